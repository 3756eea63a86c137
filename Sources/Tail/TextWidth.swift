/// How many cells of a terminal a text takes, and texts cut to so many.
enum TextWidth {
    static func of(_ text: String) -> Int { text.reduce(0) { $0 + cells($1) } }

    /// The text itself when it fits, else its beginning and its end with `gap` between them. Never wider than `width`.
    static func cutInMiddle(_ text: String, to width: Int, gap: String) -> String {
        guard of(text) > width else { return text }
        let room = width - of(gap)
        guard room > 0 else { return prefix(text, width) }
        let head = prefix(text, (room + 1) / 2)
        return head + gap + suffix(text, room - of(head))
    }

    /// Filled up with spaces to a width.
    static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - of(text)))
    }

    static func prefix(_ text: String, _ width: Int) -> String {
        var rest = width
        return String(
            text.prefix { character in
                rest -= cells(character)
                return rest >= 0
            })
    }

    private static func suffix(_ text: String, _ width: Int) -> String {
        var rest = width
        var kept: [Character] = []
        for character in text.reversed() {
            rest -= cells(character)
            guard rest >= 0 else { break }
            kept.append(character)
        }
        return String(kept.reversed())
    }

    private static func cells(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if scalar.isASCII { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        return isWide(scalar) || scalar.properties.isEmojiPresentation ? 2 : 1
    }

    /// East Asian wide and full-width blocks (UAX 11).
    private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
