extension Trace {
    /// Reads the text of a trace; every byte sequence gives a trace or an error that names the line.
    public static func parse(_ bytes: [UInt8]) throws(TraceError) -> Trace {
        var trace = Trace()
        var budget = pieceBytesMax
        for (index, line) in bytes.split(separator: Byte.lineFeed, omittingEmptySubsequences: false).enumerated() {
            var scanner = LineScanner(line, number: index + 1)
            try trace.append(&scanner, budget: &budget)
        }
        return trace
    }

    private mutating func append(_ line: inout LineScanner, budget: inout Int) throws(TraceError) {
        guard let sign = line.next() else { return }
        switch sign {
        case Byte.hash: comments.append(try line.rest())
        case Byte.equals: events.append(try line.rest())
        case Byte.exclamation: expectations.append(try Self.expectation(&line))
        case Byte.greater: pieces.append(try Self.piece(.toUpstream, &line, budget: &budget))
        case Byte.less: pieces.append(try Self.piece(.fromUpstream, &line, budget: &budget))
        default: throw line.error("a line begins with # > < = or !")
        }
    }

    private static func piece(
        _ direction: Piece.Direction, _ line: inout LineScanner, budget: inout Int
    ) throws(TraceError) -> Piece {
        let isRaw = line.skip("raw")
        line.skipSpaces()
        let microseconds = try line.microseconds()
        line.skipSpaces()
        if isRaw {
            return Piece(direction, microseconds: microseconds, .raw(try line.hexadecimal(budget: &budget)))
        }
        if line.peek() == Byte.quote {
            return Piece(direction, microseconds: microseconds, .text(try line.strings(budget: &budget)))
        }
        switch try line.rest() {
        case "": throw line.error("a piece has bytes in quotes, FIN, RST or the words of a frame")
        case "FIN": return Piece(direction, microseconds: microseconds, .fin)
        case "RST": return Piece(direction, microseconds: microseconds, .reset)
        case let words: return Piece(direction, microseconds: microseconds, .frame(words))
        }
    }

    private static func expectation(_ line: inout LineScanner) throws(TraceError) -> Expectation {
        let words = try line.rest().split(separator: " ").map(String.init)
        guard words.count >= 2, !words[0].contains("="), words[1] == "proven" || words[1] == "suspected" else {
            throw line.error("an incident is: ! KIND proven|suspected NAME=VALUE...")
        }
        var facts: [Expectation.Fact] = []
        for word in words.dropFirst(2) {
            guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
                throw line.error("'\(word)' is no NAME=VALUE")
            }
            facts.append(.init(name: String(word[..<equals]), value: String(word[word.index(after: equals)...])))
        }
        return Expectation(kind: words[0], certainty: words[1], facts: facts)
    }
}
