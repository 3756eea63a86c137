/// Writes HTML. Text is escaped wherever it comes in; only `markup` and `trusted` take it as it is, and those are ours.
struct HTMLText {
    private(set) var bytes: [UInt8] = []

    mutating func markup(_ text: StaticString) { text.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) } }

    /// A piece of page.html, which is ours too.
    mutating func trusted(_ template: ArraySlice<UInt8>) { bytes.append(contentsOf: template) }

    mutating func text(_ text: some StringProtocol) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): markup("&amp;")
            case UInt8(ascii: "<"): markup("&lt;")
            case UInt8(ascii: ">"): markup("&gt;")
            case UInt8(ascii: "\""): markup("&quot;")
            case UInt8(ascii: "'"): markup("&#39;")
            default: bytes.append(byte)
            }
        }
    }

    /// `<tag class="…">text</tag>`
    mutating func element(_ tag: StaticString, class name: String = "", _ text: some StringProtocol) {
        element(tag, class: name) { $0.text(text) }
    }

    mutating func element(_ tag: StaticString, class name: String = "", _ fill: (inout HTMLText) -> Void) {
        markup("<")
        markup(tag)
        if !name.isEmpty {
            markup(" class=\"")
            text(name)
            markup("\"")
        }
        markup(">")
        fill(&self)
        markup("</")
        markup(tag)
        markup(">")
    }

    /// Text with `code` in backticks.
    mutating func prose(_ text: String) {
        for (place, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            if place % 2 == 1 { element("code", part) } else { self.text(part) }
        }
    }

    /// A link within the page: `?name=value&…`.
    mutating func link(_ query: [(String, String)], class name: String = "", _ fill: (inout HTMLText) -> Void) {
        markup("<a class=\"")
        text(name)
        markup("\" href=\"?")
        for (place, pair) in query.enumerated() {
            if place > 0 { markup("&amp;") }
            text(Self.percentEncoded(pair.0))
            markup("=")
            text(Self.percentEncoded(pair.1))
        }
        markup("\">")
        fill(&self)
        markup("</a>")
    }

    private static func percentEncoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
                result.append(byte)
            default: result += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
