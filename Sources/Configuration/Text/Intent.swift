/// What somebody meant who wrote what other programs understand here.
enum Intent {
    private static let offWords: Set<String> = [
        "off", "no", "none", "false", "disabled", "disable", "never", "nil", "unlimited",
    ]

    /// A word for nothing at all.
    static func isOff(_ text: String) -> Bool { offWords.contains(text.lowercased()) }

    /// ` (did you mean 'null'?)`, or an empty text.
    static func hint(_ meant: String?) -> String { meant.map { " (did you mean '\(Quoting.shown($0))'?)" } ?? "" }

    /// An address out of a URL, a port alone, or the path of a socket.
    static func address(_ text: String) -> String? {
        var rest = text[...]
        var port: String?
        if let colon = rest.firstIndex(of: ":"), rest[colon...].hasPrefix("://") {
            let name = rest[..<colon].lowercased()
            guard !name.isEmpty,
                name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2B })
            else {
                return nil
            }
            rest = rest[colon...].dropFirst(3)
            if name == "unix" { return "unix:\(rest)" }
            port = ["https", "wss", "h2"].contains(name) ? "443" : "80"
        } else if rest.hasPrefix("/") {
            return "unix:\(rest)"
        } else if rest.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            return ":\(rest)"
        }
        rest = rest.prefix { !"/?#".contains($0) }
        if let user = rest.lastIndex(of: "@") { rest = rest[rest.index(after: user)...] }
        if rest.hasPrefix("*:") { rest = rest.dropFirst() }
        if let port, !rest.isEmpty, rest.last == "]" || !rest.contains(":") { return "\(rest):\(port)" }
        return String(rest)
    }

    /// A prefix without the wildcard that other programs want at its end.
    static func prefix(_ text: String) -> String? {
        var rest = text[...]
        while rest.hasSuffix("*") { rest = rest.dropLast() }
        guard rest.hasPrefix("/"), !rest.contains("*") else { return nil }
        while rest.count > 1, rest.hasSuffix("/") { rest = rest.dropLast() }
        return String(rest)
    }
}
