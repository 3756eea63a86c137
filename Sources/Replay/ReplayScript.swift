import HTTP1
import Traces
import Wire

/// A trace taken apart: its requests, and for each what the upstream sent from then until the next request.
struct ReplayScript {
    /// What the upstream sent at one moment.
    struct Line {
        enum Content: Equatable { case bytes([UInt8]), end, reset }
        /// Nanoseconds since the request's first byte.
        var after: UInt64
        var content: Content
        /// Bytes that the upstream had sent before.
        var offset: Int
    }

    struct Request {
        /// From 1, in the order of sending.
        var number: Int
        /// Nanoseconds since the start of the trace.
        var time: UInt64
        var method: Wire.Method
        /// HTTP/2: the stream that it was sent on. What the upstream said names it.
        var stream: Int32 = 0
        /// What the client sends, each piece so many nanoseconds after the first.
        var pieces: [(after: UInt64, bytes: [UInt8])]
        var lines: [Line] = []
    }

    private(set) var requests: [Request] = []
    /// What the upstream sent before any request was sent: on HTTP/2, its settings.
    private(set) var preamble: [Line] = []
    /// Bytes that the upstream sent in all.
    private(set) var upstreamBytes = 0
    let isHTTP2: Bool

    init(_ trace: Trace) throws(Replay.Unplayable) {
        isHTTP2 = trace.pieces.contains { $0.isOfHTTP2 }
        if trace.isPipelined {
            throw Replay.Unplayable(
                description:
                    "pipelined: a request before the answer to the one before it has ended, which the proxy never sends")
        }
        if let words = trace.wordsWithoutBytes {
            throw Replay.Unplayable(description: "the bytes of its frames were not kept: \(words)")
        }
        guard var streams = StreamRequests() else { throw Replay.Unplayable(description: "no memory for a session") }
        var reader = RequestReader()
        for piece in trace.pieces {
            let time = piece.microseconds * 1000
            switch (piece.direction, piece.content) {
            case (_, .frame): break
            case (.toUpstream, .raw(let bytes)), (.toUpstream, .text(let bytes)):
                if isHTTP2 { add(streams.read(bytes, now: time), at: time) } else { add(reader.read(bytes), at: time) }
            // How the recorder left is no matter for a proxy, whose clients come and go on connections of their own.
            case (.toUpstream, _): break
            case (.fromUpstream, .raw(let bytes)), (.fromUpstream, .text(let bytes)):
                add(.bytes(bytes), at: time)
                upstreamBytes += bytes.count
            case (.fromUpstream, .fin): add(.end, at: time)
            case (.fromUpstream, .reset): add(.reset, at: time)
            }
        }
    }

    private mutating func add(_ parts: [RequestReader.Part], at time: UInt64) {
        for part in parts {
            if part.startsRequest {
                begin(part.bytes, part.method, stream: 0, at: time)
            } else if let last = requests.indices.last {
                requests[last].pieces.append((time - requests[last].time, part.bytes))
            }
        }
    }

    private mutating func add(_ parts: [StreamRequests.Part], at time: UInt64) {
        for part in parts {
            if let method = part.begins {
                begin(part.bytes, method, stream: part.stream, at: time)
            } else if let place = requests.firstIndex(where: { $0.stream == part.stream }) {
                requests[place].pieces.append((time - requests[place].time, part.bytes))
            }
        }
    }

    /// Writes the request's number into its first piece, as the id that the proxy passes on.
    private mutating func begin(_ bytes: [UInt8], _ method: Wire.Method, stream: Int32, at time: UInt64) {
        var numbered = bytes
        let number = requests.count + 1
        if let lineEnd = bytes.firstIndex(of: 0x0a) {
            numbered.insert(contentsOf: Array("X-Request-Id: \(number)\r\n".utf8), at: lineEnd + 1)
        }
        requests.append(Request(number: number, time: time, method: method, stream: stream, pieces: [(0, numbered)]))
    }

    private mutating func add(_ content: Line.Content, at time: UInt64) {
        guard let last = requests.indices.last else {
            preamble.append(Line(after: 0, content: content, offset: upstreamBytes))
            return
        }
        let after = time - min(time, requests[last].time)
        requests[last].lines.append(Line(after: after, content: content, offset: upstreamBytes))
    }

    /// Bytes from the start of one recorded read that are cut; what follows is body.
    static let cutBytesMax = 4096

    /// Offsets before which a read can be cut in two.
    func cutPlaces(everywhere: Bool) -> [Int] {
        let lines = (isHTTP2 ? preamble : []) + requests.flatMap(\.lines)
        return lines.flatMap { line -> [Int] in
            guard case .bytes(let bytes) = line.content, bytes.count > 1 else { return [] }
            let places = (1..<min(bytes.count, Self.cutBytesMax)).filter { place in
                // Frames are short, and each of their bytes decides something.
                everywhere || isHTTP2
                    || bytes[max(0, place - 2)..<min(bytes.count, place + 2)].contains {
                        $0 == 0x0d || $0 == 0x0a || $0 == 0x2f
                    }
            }
            return places.map { line.offset + $0 }
        }
    }
}

extension Piece {
    fileprivate var isOfHTTP2: Bool {
        switch content {
        case .raw, .frame: true
        case .text, .fin, .reset: false
        }
    }
}

extension Trace {
    /// Words name the frames of the raw bytes in front of them. The first that stand alone: nil when there are none.
    fileprivate var wordsWithoutBytes: String? {
        var kept: (to: UInt64?, from: UInt64?)
        for piece in pieces {
            let isTo = piece.direction == .toUpstream
            switch piece.content {
            case .raw: if isTo { kept.to = piece.microseconds } else { kept.from = piece.microseconds }
            case .frame(let words): if piece.microseconds != (isTo ? kept.to : kept.from) { return words }
            case .text, .fin, .reset: break
            }
        }
        return nil
    }
}
