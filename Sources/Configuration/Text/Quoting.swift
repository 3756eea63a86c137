/// Texts from a file or a flag made safe for one line of a terminal.
enum Quoting {
    /// Characters of a foreign text that a message repeats.
    static let shownMax = 60

    /// The text with control characters spelled out, cut at `shownMax` characters.
    static func shown(_ text: String) -> String {
        var result = ""
        for (index, scalar) in text.unicodeScalars.enumerated() {
            if index == shownMax { return result + "…" }
            if isControl(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func hasControls(_ text: some StringProtocol) -> Bool { text.unicodeScalars.contains(where: isControl) }

    /// `a, b or c`
    static func alternatives(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}
