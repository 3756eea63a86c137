/// What the worker has said on a client's HTTP/2 connection.
struct SaidFrames {
    /// RST_STREAM, and when.
    typealias Reset = (code: UInt32, time: UInt64)

    /// It has been answered as a client of HTTP/1.
    private(set) var isHTTP1 = false
    private(set) var goAways: [Reset] = []
    private(set) var resets: [UInt32: [Reset]] = [:]
    /// When END_STREAM was said.
    private(set) var ends: [UInt32: UInt64] = [:]
    private(set) var statuses: [UInt32: [String]] = [:]
    private(set) var dataFrames = 0
    private(set) var dataBytes = 0
    private(set) var dataBytesOf: [UInt32: Int] = [:]
    /// WINDOW_UPDATE in all, 0 being the connection.
    private(set) var updates: [UInt32: Int] = [:]
    private(set) var initialWindow = 65_535

    init(_ overheard: Overheard) {
        let said = overheard.said
        isHTTP1 = said.starts(with: Array("HTTP/1".utf8))
        guard !isHTTP1 else { return }
        let packer = FieldPacker()
        var block: (stream: UInt32, bytes: [UInt8])?
        var at = 0
        while let frame = Frame(said, at: at) {
            at += Frame.headerCount + frame.payload.count
            take(frame, overheard.writeTime(of: at))
            switch frame.kind {
            case .headers: block = (frame.stream, frame.content ?? [])
            case .continuation: block?.bytes += frame.payload
            default: continue
            }
            guard frame.has(Frame.endHeaders), let (stream, bytes) = block, let fields = packer.unpack(bytes) else { continue }
            if let status = fields.first(where: { $0.name == ":status" }) { statuses[stream, default: []].append(status.value) }
        }
    }

    private mutating func take(_ frame: Frame, _ time: UInt64) {
        switch frame.kind {
        case .goAway: goAways.append((frame.number(at: 4), time))
        case .reset: resets[frame.stream, default: []].append((frame.number(at: 0), time))
        case .windowUpdate: updates[frame.stream, default: 0] += Int(frame.number(at: 0))
        case .settings where !frame.has(Frame.ack):
            for place in stride(from: 0, to: frame.payload.count, by: 6) where frame.payload[place + 1] == 4 {
                initialWindow = Int(frame.number(at: place + 2))
            }
        case .data:
            dataFrames += 1
            dataBytes += frame.payload.count
            dataBytesOf[frame.stream, default: 0] += frame.payload.count
        default: break
        }
        if frame.kind == .data || frame.kind == .headers, frame.has(Frame.endStream), ends[frame.stream] == nil {
            ends[frame.stream] = time
        }
    }
}

extension Frame {
    /// The frame that stands there; nil when it is not there as a whole.
    init?(_ bytes: [UInt8], at start: Int) {
        guard let length = Frame.length(bytes, at: start), bytes.count - start - Self.headerCount >= length else { return nil }
        let stream = Frame.stream(bytes, at: start)
        let payload = Array(bytes[start + Self.headerCount..<start + Self.headerCount + length])
        self.init(type: bytes[start + 3], flags: bytes[start + 4], stream: stream, payload)
    }

    /// The stream of the header that stands there.
    static func stream(_ bytes: [UInt8], at start: Int) -> UInt32 {
        bytes[start + 5..<start + 9].reduce(0) { $0 << 8 | UInt32($1) } & 0x7fff_ffff
    }

    /// What the header that stands there says of the payload; nil when there is none.
    static func length(_ bytes: [UInt8], at start: Int) -> Int? {
        guard bytes.count - start >= headerCount else { return nil }
        return Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
    }
}
