/// A target or a URL with gaps: `$1` for what a group of the route's pattern captured, and in URLs `{host}`, `{path}`, `{query}`
/// and `{uri}` for parts of the request.
public struct PathTemplate: Sendable, Equatable {
    /// Why a text is no template.
    public struct Invalid: Error {
        public var reason: String
    }

    enum Part: UInt8, Sendable {
        case text, capture, host, path, query
    }

    struct Piece: BitwiseCopyable, Sendable, Equatable {
        var part: Part
        /// Where a text stands, or the number of a group.
        var start: Int
        var count = 0
    }

    let pieces: [Piece]
    let text: [UInt8]

    /// `groupCount`: groups of the route's pattern, 0 without one. `isURL`: parts of the request may be named.
    public init(_ source: String, groupCount: Int, isURL: Bool) throws(Invalid) {
        var pieces: [Piece] = []
        var text: [UInt8] = []
        func literal(_ bytes: some Sequence<UInt8>) {
            let start = text.count
            text += bytes
            if let last = pieces.last, last.part == .text {
                pieces[pieces.count - 1].count = text.count - last.start
            } else {
                pieces.append(Piece(part: .text, start: start, count: text.count - start))
            }
        }
        var rest = Array(source.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x24, rest.first == 0x24 {
                rest.removeFirst()
                literal([0x24])
            } else if byte == 0x24, let digit = rest.first, digit &- 0x31 < 9 {
                rest.removeFirst()
                let group = Int(digit - 0x30)
                guard group <= groupCount else {
                    let has = groupCount == 0 ? "there is no group in a 'path_regex'" : "'path_regex' has \(groupCount)"
                    throw Invalid(reason: "'$\(group)' stands for a group that is not there: \(has)")
                }
                pieces.append(Piece(part: .capture, start: group))
            } else if byte == 0x7b, isURL {
                let end = rest.firstIndex(of: 0x7d) ?? rest.endIndex
                let name = String(decoding: rest[..<end], as: UTF8.self)
                guard end < rest.endIndex, let parts = Self.names[name] else {
                    throw Invalid(
                        reason: "expected {host}, {path}, {query} or {uri}, found '{\(name)\(end < rest.endIndex ? "}" : "")'")
                }
                for part in parts { pieces.append(Piece(part: part, start: 0)) }
                rest = rest[(end + 1)...]
            } else {
                literal([byte])
            }
        }
        self.pieces = pieces
        self.text = text
    }

    private static let names: [String: [Part]] = ["host": [.host], "path": [.path], "query": [.query], "uri": [.path, .query]]
}
