import Testing

@testable import Proxy

/// What a client's first bytes say of the version that it speaks.
@Suite struct ClientPrefaceTests {
    private func begins(_ bytes: [UInt8]) -> Bool {
        bytes.isEmpty ? ClientPreface.begins([0], 0) : ClientPreface.begins(bytes, bytes.count)
    }

    @Test func itIsRFC9113s() {
        #expect("\(ClientPreface.bytes)" == "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" && ClientPreface.byteCount == 24)
    }

    /// However few bytes have come; and no byte may be another.
    @Test func everyByteCounts() {
        let preface = Array("\(ClientPreface.bytes)".utf8)
        for count in 0...preface.count { #expect(begins(Array(preface.prefix(count)))) }
        #expect(begins(preface + [0, 0, 0, 4]))
        for place in preface.indices {
            var other = preface
            other[place] ^= 0x20
            #expect(!begins(other) && !begins(Array(other.prefix(place + 1))), "\(place)")
            #expect(begins(Array(other.prefix(place))))
        }
    }

    @Test(arguments: ["POST / HTTP/1.1", "PUT", "PRI * HTTP/1.1", "GET"])
    func others(_ text: String) { #expect(!begins(Array(text.utf8))) }
}
