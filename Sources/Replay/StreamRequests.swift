import Wire

/// Shows the requests on an HTTP/2 connection as HTTP/1 would have carried them.
struct StreamRequests {
    struct Part {
        var stream: Int32
        var bytes: [UInt8]
        /// The first part of its request, which has this method.
        var begins: Wire.Method?
    }

    private let frames: FrameReader
    /// Streams whose bodies have no declared length.
    private var chunked: Set<Int32> = []

    /// nil: no memory.
    init?() {
        guard let frames = FrameReader(.server) else { return nil }
        self.frames = frames
    }

    mutating func read(_ piece: [UInt8], now: UInt64) -> [Part] {
        frames.read(piece, now: now).compactMap { part($0) }
    }

    private mutating func part(_ fact: FrameReader.Fact) -> Part? {
        let stream = fact.step.stream
        switch fact.step.event {
        case .head:
            var bytes = fact.head
            if !fact.step.ended, fact.declaredBytes == nil {
                chunked.insert(stream)
                bytes += Array("Transfer-Encoding: chunked\r\n".utf8)
            }
            return Part(stream: stream, bytes: bytes + Self.lineEnd, begins: fact.method)
        case .body:
            guard chunked.contains(stream) else { return fact.body.isEmpty ? nil : Part(stream: stream, bytes: fact.body) }
            var bytes: [UInt8] = []
            if !fact.body.isEmpty {
                bytes += Array(String(fact.body.count, radix: 16).utf8) + Self.lineEnd + fact.body + Self.lineEnd
            }
            if fact.step.ended { bytes += Array("0\r\n\r\n".utf8) }
            return bytes.isEmpty ? nil : Part(stream: stream, bytes: bytes)
        case .trailers:
            guard chunked.contains(stream) else { return nil }
            return Part(stream: stream, bytes: Array("0\r\n".utf8) + fact.head + Self.lineEnd)
        default: return nil
        }
    }

    private static let lineEnd = Array("\r\n".utf8)
}
