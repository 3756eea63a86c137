import Chance
import Testing

@testable import Admin

/// Whatever is asked of the admin endpoint: nothing traps, and where it is cut changes nothing.
@Suite struct AdminRequestMutationTests {
    private static let requests = [
        "GET /incidents?after=01JD9&kind=second_response&limit=5 HTTP/1.1\r\nHost: localhost:9180\r\nAccept: text/html\r\n\r\n",
        "HEAD http://127.0.0.1/metrics HTTP/1.0\r\nConnection: close\r\nOrigin: http://a\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nLast-Event-ID: 7\r\n\r\nfirst",
    ]

    /// The outcome in words.
    private static func read(_ bytes: [UInt8]) -> String {
        switch AdminRequest.parse(bytes) {
        case .incomplete: return "incomplete"
        case .malformed: return "malformed"
        case .request(let request, let count):
            #expect(count <= bytes.count)
            return "\(count) \(request)"
        }
    }

    @Test(arguments: 0..<3000) func anyBytes(seed: UInt64) {
        var chance = Chance(seed: seed)
        let bytes = chance.oneIn(8) ? chance.bytes(chance.below(200)) : chance.mutated(Array(chance.pick(Self.requests).utf8))
        let whole = Self.read(bytes)
        let part = Self.read(Array(bytes[..<chance.below(bytes.count + 1)]))
        #expect(part == "incomplete" || part == whole)
    }
}
