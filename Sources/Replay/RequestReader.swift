import HTTP1
import Wire

/// Finds where requests begin in the bytes that went to an upstream.
struct RequestReader {
    struct Part {
        var bytes: [UInt8]
        var startsRequest: Bool
        var method = Wire.Method.get
    }

    private var body = BodyDecoder(.none)
    /// A header block, or a piece of a chunked body, that has not come whole.
    private var held: [UInt8] = []
    private var isInHead = true
    private static let limits = HeadLimits(headerBytesMax: 1 << 20)

    /// Parts of one piece: a request's beginning, or more of the request before.
    mutating func read(_ piece: [UInt8]) -> [Part] {
        var parts: [Part] = []
        var rest = piece[...]
        while !rest.isEmpty {
            let starts = isInHead && held.isEmpty
            let count = isInHead ? readHead(rest) : readBody(rest)
            let method = starts ? Wire.Method(name(rest)) : .get
            parts.append(Part(bytes: Array(rest.prefix(count)), startsRequest: starts, method: method))
            rest = rest.dropFirst(count)
        }
        return parts
    }

    /// Bytes that belong to the header block; all of them when it is not whole, or none.
    private mutating func readHead(_ bytes: ArraySlice<UInt8>) -> Int {
        let before = held.count
        held += bytes
        var block = HeaderBlock(capacity: 256)
        guard HeadParser.request(held, count: held.count, limits: Self.limits, into: &block) == .complete else {
            return bytes.count
        }
        if case .success(let decoder) = RequestFraming.decide(block) { body = decoder }
        isInHead = body.isEmpty
        held = []
        return block.byteCount - before
    }

    private mutating func readBody(_ bytes: ArraySlice<UInt8>) -> Int {
        let before = held.count
        held += bytes
        var block = HeaderBlock(capacity: 256)
        let count = held.count
        let step = held.withUnsafeMutableBufferPointer {
            body.decode($0.baseAddress!, count: count, limits: Self.limits, block: &block)
        }
        guard step.outcome == .end else {
            // What a chunk's framing holds back comes again in front of the next piece.
            held = step.outcome == .more ? Array(held[step.consumed...]) : []
            return bytes.count
        }
        held = []
        isInHead = true
        return step.consumed - before
    }

    private func name(_ bytes: ArraySlice<UInt8>) -> [UInt8] { Array(bytes.prefix { $0 != 0x20 }) }
}

extension Wire.Method {
    fileprivate init(_ name: [UInt8]) { self.init(name, count: name.count) }
}
