import Detector

/// What `sendonce explain` prints and what docs/kinds.md holds.
public enum Guide {
    /// Terminal text for `sendonce explain`: every kind in a line, and how to keep to one answer.
    public static var overview: String { Terminal.render(Page.overview) }

    /// Terminal text for `sendonce explain KIND`.
    public static func text(of kind: Kind) -> String {
        Terminal.render(Page.blocks(of: .of(kind), level: 1))
    }

    /// The whole guide as Markdown: docs/kinds.md.
    public static var markdown: String { Markdown.render(Page.document) }

    /// The guide to reviews and tests as Markdown: docs/preventing-double-sends.md.
    public static var prevention: String { Markdown.render(Prevention.document) }

    /// Terminal text for `sendonce explain NAME`.
    ///
    /// Case and `-` for `_` do not matter; `ERR_HTTP_HEADERS_SENT` gives the overview.
    public static func text(named name: String) throws(UnknownKind) -> String {
        let normalized = String(name.lowercased().map { $0 == "-" ? "_" : $0 })
        if normalized == "err_http_headers_sent" { return overview }
        guard let kind = Kind(rawValue: normalized) else {
            throw UnknownKind(name: name, suggestion: nearestKind(to: normalized))
        }
        return text(of: kind)
    }

    /// The kind whose name is nearest, when it is near enough to be meant.
    static func nearestKind(to name: String) -> Kind? {
        guard name.utf8.count <= nameBytesMax else { return nil }
        let nearest = Kind.allCases.map { ($0, distance(Array(name.utf8), Array($0.rawValue.utf8))) }.min { $0.1 < $1.1 }
        if let nearest, nearest.1 <= max(2, nearest.0.rawValue.utf8.count / 3) { return nearest.0 }
        return Kind.allCases.first { name.utf8.count >= 4 && $0.rawValue.contains(name) }
    }

    /// Longer names are not compared: nothing is near them.
    private static let nameBytesMax = 64

    /// Levenshtein's distance, one row at a time.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substituted = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
