/// A place in an application's source, as a line of a JavaScript stack names it.
public struct SourcePlace: Sendable, Hashable, CustomStringConvertible {
    public let file: String
    public let line: Int
    public let column: Int?

    /// `at handler (/app/orders.js:12:9)`, `at /app/orders.js:12:9`, `at async file:///app/orders.mjs:12:9`.
    public init?(stackLine: String) {
        var text = stackLine[...]
        while text.first == " " { text.removeFirst() }
        if text.hasPrefix("at ") { text = text.dropFirst(3) }
        if text.hasPrefix("async ") { text = text.dropFirst(6) }
        if text.last == ")", let open = text.lastIndex(of: "(") { text = text[text.index(after: open)...].dropLast() }
        if text.hasPrefix("file://") { text = text.dropFirst(7) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, let last = Int(parts[parts.count - 1]), last >= 0 else { return nil }
        if parts.count >= 3, let line = Int(parts[parts.count - 2]), line >= 0 {
            (self.line, column) = (line, last)
            file = parts.dropLast(2).joined(separator: ":")
        } else {
            (line, column) = (last, nil)
            file = parts.dropLast().joined(separator: ":")
        }
        guard !file.isEmpty else { return nil }
    }

    /// The first place of a stack that is the application's own: neither Node's nor a package's; else the first that is not Node's.
    public static func guilty(in stack: [String]) -> SourcePlace? {
        let places = stack.compactMap { SourcePlace(stackLine: $0) }.filter { !$0.isOfNode }
        return places.first { !$0.isOfPackage } ?? places.first
    }

    /// The file's name and the line, `orders.js:12`.
    public var short: String { "\(file.split(separator: "/").last.map(String.init) ?? file):\(line)" }

    public var description: String { column.map { "\(file):\(line):\($0)" } ?? "\(file):\(line)" }

    /// The file as seen from a folder, when it is in there.
    public func path(from folder: String) -> String {
        let folder = folder.hasSuffix("/") ? folder : folder + "/"
        return file.hasPrefix(folder) ? String(file.dropFirst(folder.count)) : file
    }

    private var isOfNode: Bool { file.hasPrefix("node:") || file.hasPrefix("internal/") || !file.contains("/") }
    private var isOfPackage: Bool { file.contains("/node_modules/") || file.hasPrefix("/usr/share/nodejs/") }
}
