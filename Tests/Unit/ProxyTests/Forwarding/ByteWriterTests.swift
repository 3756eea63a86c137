import Testing
import Wire

@testable import Proxy

/// Numbers, times and addresses as they are written into header blocks and logs.
@Suite struct ByteWriterTests {
    @Test(
        arguments: [
            0, 1, 9, 10, 11, 99, 100, 999, 1000, 65_535, 4_294_967_295, 4_294_967_296, 999_999_999_999_999_999, .max - 1, .max,
        ] as [UInt64])
    func decimals(_ number: UInt64) { #expect(ReadBlock.written { $0.putDecimal(number) } == "\(number)") }

    @Test(
        arguments: [
            (0, "0000000000000000"), (1, "0000000000000001"), (0xfedc_ba98_7654_3210, "fedcba9876543210"),
            (.max, "ffffffffffffffff"),
        ] as [(UInt64, String)])
    func hexadecimals(_ number: UInt64, _ expected: String) { #expect(ReadBlock.written { $0.putHex(number) } == expected) }

    @Test func everyByteInTwoDigits() {
        for byte in 0...255 as ClosedRange<UInt8> {
            let digits = String(byte, radix: 16)
            #expect(ReadBlock.written { $0.putHexDigits(byte) } == (byte < 16 ? "0\(digits)" : digits))
        }
    }

    /// Cut, not rounded: a time of 0.9999 ms has not been a millisecond.
    @Test(
        arguments: [
            (0, "0.000"), (999, "0.000"), (1000, "0.001"), (12_345, "0.012"), (999_999, "0.999"), (1_000_000, "1.000"),
            (1_060_000, "1.060"), (123_456_789, "123.456"), (.max, "18446744073709.551"),
        ] as [(UInt64, String)])
    func milliseconds(_ nanoseconds: UInt64, _ expected: String) {
        #expect(ReadBlock.written { $0.putMilliseconds(nanoseconds) } == expected)
    }

    @Test(arguments: [
        ("192.0.2.1:80", "192.0.2.1:80", "192.0.2.1"), ("0.0.0.0", "0.0.0.0", "0.0.0.0"),
        ("255.255.255.255:65535", "255.255.255.255:65535", "255.255.255.255"),
        ("10.100.9.99:1", "10.100.9.99:1", "10.100.9.99"),
        ("[::1]:443", "[::1]:443", "::1"), ("2001:db8::7", "2001:db8::7", "2001:db8::7"),
        ("[::ffff:10.0.0.1]:5", "10.0.0.1:5", "10.0.0.1"),
    ])
    func addresses(_ text: String, _ expected: String, _ host: String) throws {
        let address = try #require(Array(text.utf8).withUnsafeBufferPointer { PeerAddress(text: $0) })
        #expect(ReadBlock.written { $0.putAddress(address) } == expected)
        #expect(ReadBlock.written { $0.putHost(address) } == host)
        #expect(address.text == expected)
    }

    @Test func aUnixPeerHasNoAddress() {
        #expect(ReadBlock.written { $0.putAddress(PeerAddress()) } == "unix")
        #expect(ReadBlock.written { $0.putHost(PeerAddress()) } == "unknown")
    }

    /// Lines that stand together are copied together; whichever are left out, the rest is all there.
    @Test func whicheverLinesAreLeftOut() throws {
        let lines = ["A: 1", "Bb:2", "Ccc:  3", "D:"]
        for dropped in 0..<16 {
            let text = try ReadBlock.of(.answer, ["HTTP/1.1 200 OK"] + lines) { block in
                for i in 0..<4 { block.fields[i].isDropped = dropped & (1 << i) != 0 }
                return ReadBlock.written { out in
                    out.putFields(block)
                    out.put("\r\n")
                }
            }
            #expect(ReadBlock.lines(text) == (0..<4).filter { dropped & (1 << $0) == 0 }.map { lines[$0] })
        }
    }

    @Test func runsAreCounted() {
        let text = ReadBlock.written { out in
            out.put("abc")
            let range = out.range(from: 1)
            #expect(range == ByteRange(start: 1, count: 2))
            out.put(UnsafeBufferPointer(start: nil, count: 0))
            out.base[3] = 0x64
            out.skip(to: 4)
            out.put(0x65)
        }
        #expect(text == "abcde")
    }
}
