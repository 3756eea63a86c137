import Testing

@testable import Proxy

/// Which values of `traceparent` are continued (W3C Trace Context, section 3.2).
@Suite struct TraceParentTests {
    static let trace = "0af7651916cd43dd8448eb211c80319c"
    static let parent = "b7ad6b7169203331"

    private func isValid(_ text: String) -> Bool { Array(text.utf8).withUnsafeBufferPointer { TraceParent.isValid($0) } }

    @Test(arguments: [
        ("00-\(trace)-\(parent)-01", true), ("00-\(trace)-\(parent)-00", true), ("fe-\(trace)-\(parent)-ff", true),
        // A later version may go on after its flags.
        ("01-\(trace)-\(parent)-01-more", true), ("01-\(trace)-\(parent)-01.more", false), ("01-\(trace)-\(parent)-011", false),
        ("ff-\(trace)-\(parent)-01", false), ("0f-\(trace)-\(parent)-01", true), ("f0-\(trace)-\(parent)-01", true),
        ("00-\(String(repeating: "0", count: 32))-\(parent)-01", false),
        ("00-\(trace)-0000000000000000-01", false),
        ("00-\(String(repeating: "0", count: 31))1-\(parent)-01", true), ("00-\(trace)-1000000000000000-01", true),
        ("00-\(trace.uppercased())-\(parent)-01", false), ("00-\(trace)-\(parent)-0g", false),
        ("00_\(trace)-\(parent)-01", false), ("00-\(trace)_\(parent)-01", false), ("00-\(trace)-\(parent)_01", false),
        ("0-\(trace)-\(parent)-01", false), ("00-\(trace)-\(parent)-0", false), ("00-\(trace)-\(parent)-", false), ("", false),
        (" 00-\(trace)-\(parent)-01", false), ("00-\(trace)-\(parent)", false),
    ])
    func values(_ text: String, _ expected: Bool) { #expect(isValid(text) == expected) }

    /// No byte but a digit stands anywhere, and no other dash.
    @Test func everyPlaceIsLookedAt() {
        let good = Array("00-\(Self.trace)-\(Self.parent)-01".utf8)
        for place in good.indices {
            for byte in [0x2d, 0x2f, 0x3a, 0x60, 0x67, 0x41, 0x20, 0x00, 0x80, 0xff] as [UInt8] where good[place] != byte {
                var bytes = good
                bytes[place] = byte
                let found = bytes.withUnsafeBufferPointer { TraceParent.isValid($0) }
                #expect(!found, "\(place) \(byte)")
            }
        }
    }
}
