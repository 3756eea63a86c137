import Testing

@testable import Proxy

/// Which bytes are a character of more than one byte: as Swift's own decoder has it.
@Suite struct UTF8SequenceTests {
    private func length(_ bytes: [UInt8], at place: Int = 0) -> Int {
        bytes.withUnsafeBufferPointer { UTF8Sequence.length($0, at: place) }
    }

    @Test(
        arguments: [
            ([0x41], 0), ([0xc3, 0xa9], 2), ([0xe2, 0x82, 0xac], 3), ([0xf0, 0x9f, 0x98, 0x80], 4),
            // Overlong, surrogates, beyond U+10FFFF.
            ([0xc0, 0x80], 0), ([0xc1, 0xbf], 0), ([0xe0, 0x9f, 0xbf], 0), ([0xe0, 0xa0, 0x80], 3), ([0xed, 0x9f, 0xbf], 3),
            ([0xed, 0xa0, 0x80], 0), ([0xf0, 0x8f, 0xbf, 0xbf], 0), ([0xf4, 0x8f, 0xbf, 0xbf], 4),
            ([0xf4, 0x90, 0x80, 0x80], 0),
            ([0xf5, 0x80, 0x80, 0x80], 0), ([0x80], 0), ([0xff], 0),
            // Cut, or with something else in the middle.
            ([0xc3], 0), ([0xe2, 0x82], 0), ([0xf0, 0x9f, 0x98], 0), ([0xe2, 0x82, 0x41], 0), ([0xf0, 0x9f, 0x41, 0x80], 0),
            ([0xf0, 0x9f, 0x98, 0xc0], 0),
        ] as [([UInt8], Int)])
    func sequences(_ bytes: [UInt8], _ expected: Int) { #expect(length(bytes) == expected) }

    /// Each pair of first and second byte, with good ones after them.
    @Test func agreesWithTheStandardLibrary() {
        var wrong: [[UInt8]] = []
        for first in 0x80...0xff as ClosedRange<UInt8> {
            for second in 0x70...0xff as ClosedRange<UInt8> {
                let bytes: [UInt8] = [first, second, 0x80, 0x80]
                let expected = (2...4).first { String(validating: bytes.prefix($0), as: UTF8.self) != nil } ?? 0
                if length(bytes) != expected { wrong.append(bytes) }
            }
        }
        #expect(wrong.isEmpty)
    }
}
