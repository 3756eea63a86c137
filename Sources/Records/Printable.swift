/// Text of a stranger, made safe for a terminal: no control character, nothing that turns the direction of writing.
public enum Printable {
    public static func text(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isObeyed) else { return text }
        var safe = ""
        for scalar in text.unicodeScalars {
            if isObeyed(scalar) {
                safe += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    private static func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }
}
