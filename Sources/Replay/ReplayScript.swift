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
        /// What the client sends, each piece so many nanoseconds after the first.
        var pieces: [(after: UInt64, bytes: [UInt8])]
        var lines: [Line] = []
    }

    private(set) var requests: [Request] = []
    /// Bytes that the upstream sent in all.
    private(set) var upstreamBytes = 0
    /// What the upstream sent before any request was sent.
    private(set) var unasked = 0

    init(_ trace: Trace) throws(Replay.Unplayable) {
        if trace.isPipelined {
            throw Replay.Unplayable(
                description:
                    "pipelined: a request before the answer to the one before it has ended, which the proxy never sends")
        }
        var reader = RequestReader()
        for piece in trace.pieces {
            let time = piece.microseconds * 1000
            switch (piece.direction, piece.content) {
            case (_, .raw), (_, .frame):
                throw Replay.Unplayable(description: "HTTP/2: this version replays HTTP/1 alone")
            case (.toUpstream, .text(let bytes)): add(reader.read(bytes), at: time)
            // How the recorder left is no matter for a proxy, whose clients come and go on connections of their own.
            case (.toUpstream, _): break
            case (.fromUpstream, .text(let bytes)):
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
                requests.append(
                    Request(number: requests.count + 1, time: time, method: part.method, pieces: [(0, part.bytes)]))
                Self.number(&requests[requests.count - 1])
            } else if let last = requests.indices.last {
                requests[last].pieces.append((time - requests[last].time, part.bytes))
            }
        }
    }

    private mutating func add(_ content: Line.Content, at time: UInt64) {
        guard let last = requests.indices.last else { return unasked += 1 }
        let after = time - min(time, requests[last].time)
        requests[last].lines.append(Line(after: after, content: content, offset: upstreamBytes))
    }

    /// Bytes from the start of one recorded read that are cut; what follows is body.
    static let cutBytesMax = 4096

    /// Offsets before which a read can be cut in two.
    func cutPlaces(everywhere: Bool) -> [Int] {
        requests.flatMap(\.lines).flatMap { line -> [Int] in
            guard case .bytes(let bytes) = line.content, bytes.count > 1 else { return [] }
            let places = (1..<min(bytes.count, Self.cutBytesMax)).filter { place in
                everywhere
                    || bytes[max(0, place - 2)..<min(bytes.count, place + 2)].contains {
                        $0 == 0x0d || $0 == 0x0a || $0 == 0x2f
                    }
            }
            return places.map { line.offset + $0 }
        }
    }

    /// Writes the request's number into its first piece, as the id that the proxy passes on.
    private static func number(_ request: inout Request) {
        guard let lineEnd = request.pieces[0].bytes.firstIndex(of: 0x0a) else { return }
        request.pieces[0].bytes.insert(contentsOf: Array("X-Request-Id: \(request.number)\r\n".utf8), at: lineEnd + 1)
    }
}
