import Testing

@testable import Tail

@Suite struct TextWidthTests {
    @Test(arguments: [("", 0), ("abc", 3), ("ä", 1), ("a\u{308}", 1), ("漢字", 4), ("😀", 2), ("…", 1), ("한", 2), ("\u{200B}", 0)])
    func cells(text: String, width: Int) {
        #expect(TextWidth.of(text) == width)
    }

    @Test(arguments: [
        ("abcdefgh", 8, "abcdefgh"), ("abcdefgh", 7, "abc…fgh"), ("abcdefgh", 4, "ab…h"), ("abcdefgh", 1, "a"),
        ("abcdefgh", 0, ""),
        ("漢字漢字", 6, "漢…字"), ("漢字漢字", 7, "漢…漢字"), ("漢字", 1, ""),
    ]) func cut(text: String, width: Int, cut: String) {
        #expect(TextWidth.cutInMiddle(text, to: width, gap: "…") == cut)
    }
}
