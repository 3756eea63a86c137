import Testing

@testable import Report

struct ExchangeMarkTests {
    @Test func whatIsWrittenIsRead() {
        let mark = ExchangeMark(salt: 0xabc1, server: 7, route: 0xffff, connection: 0x1234_5678_9abc, ordinal: 0xdead_beef)
        let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: ExchangeMark.byteCount)
        defer { bytes.deallocate() }
        mark.write(to: bytes)
        let text = UnsafeBufferPointer(start: bytes, count: ExchangeMark.byteCount)
        #expect(String(decoding: text, as: UTF8.self) == "abc10007ffff123456789abcdeadbeef")
        #expect(ExchangeMark(text) == mark)
    }

    @Test(arguments: [
        "", "abc10007ffff123456789abcdeadbee", "ABC10007ffff123456789abcdeadbeef", "abc10007ffff123456789abcdeadbee ",
    ])
    func whatIsNoneIsRefused(text: String) { #expect(ExchangeMark(text.utf8) == nil) }

    @Test func theFieldHasRoomForIt() {
        let line = "\(ExchangeMark.line)"
        #expect(line == "SendOnce-Id: " + String(repeating: "0", count: ExchangeMark.byteCount) + "\r\n")
    }
}
