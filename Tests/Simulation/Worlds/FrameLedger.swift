import HTTP2

/// What a client of HTTP/2 has sent, as far as the worker has read it, held against RFC 9113 and the limits that HTTP2Limits names: how
/// its connection must end, how it may, and which streams must be reset. Made when all is over, so that the worker's own frames are known.
struct FrameLedger {
    /// What a header block is that the client has packed.
    enum Sense { case request(RequestScript), malformed, tooLarge, unpackable, unknown }

    /// A rule that a stream's frames have broken.
    struct Offence {
        /// What RST_STREAM may say of it.
        var codes: [UInt32]
        /// What that is counted as: a request that is malformed, flow control that is, trailers that are too large, or nothing.
        var count: Count
        /// RST_STREAM must follow, unless the stream was over before.
        var isCertain = true
        /// An answer that has ended does not excuse it; one that the connection has ended for does.
        var outlivesAnswer = false
    }

    enum Count { case malformed, misused, tooLarge, nothing }

    struct Stream {
        var declared: Int?
        var sent = 0
        var updates = 0
        var hasEnded = false
        var isReset = false
        /// It was opened by what is no request.
        var isVoid = false
        var mustBeRefused = false
        var mayBeRefused = false
        /// Its header block must be answered with 431.
        var isTooLarge = false
        /// It has come when its connection was to end.
        var isLoose = false
        var offences: [Offence] = []
    }

    let limits = HTTP2Limits()
    let sent: [UInt8]
    let senses: [[UInt8]: Sense]
    let overheard: Overheard
    let said: SaidFrames
    /// Bytes of DATA that the worker may have framed for a client that was gone, or took nothing, and that were never written.
    let unsaidBytes: Int

    /// How the connection must end, if it was not one of `possible` before; nil: it need not.
    private(set) var certain: FrameEnd?
    private(set) var possible: Set<FrameEnd> = []
    var streams: [UInt32: Stream] = [:]
    var lastStream: UInt32 = 0
    /// The connection is over, or will be soon: nothing that comes now need have a consequence.
    private(set) var isLoose = false
    /// Frames of floods that were borne.
    private(set) var borne = 0
    var connectionSent = 0
    var connectionUpdates = 0
    var initialWindow = 65_535
    private var hasSettings = false
    private var assembly: (stream: UInt32, ends: Bool, bytes: [UInt8], frames: Int)?
    private var now: UInt64 = 0

    private var resets: Meter
    private var settings: Meter
    private var pings: Meter
    private var emptyData: Meter
    private var priorities: Meter
    private var windowUpdates: Meter

    init(_ sent: [UInt8], _ senses: [[UInt8]: Sense], _ overheard: Overheard, _ said: SaidFrames, isWhole: Bool) {
        unsaidBytes = isWhole ? 0 : 1 << 17
        (self.sent, self.senses, self.overheard, self.said) = (sent, senses, overheard, said)
        resets = Meter(limits.resets, .rapidReset)
        settings = Meter(limits.settings, .settingsFlood)
        pings = Meter(limits.pings, .pingFlood)
        emptyData = Meter(limits.emptyData, .emptyDataFlood)
        priorities = Meter(limits.priorities, .priorityFlood)
        windowUpdates = Meter(limits.windowUpdates, .windowUpdateFlood)
        // Where a socket is full, frames may have been made that were never written.
        let dataFrames = said.dataFrames == 0 ? 0 : said.dataFrames + 20
        pings.due = dataFrames
        windowUpdates.due = 2 * dataFrames + said.dataBytes / 2048 + 32
        guard sent.starts(with: Frame.preface) else { return }
        read(from: Frame.preface.count)
        let meters = [resets, settings, pings, emptyData, priorities, windowUpdates]
        if certain == nil, possible.isEmpty { borne = meters.reduce(0) { $0 + $1.least } }
    }

    private mutating func read(from first: Int) {
        var at = first
        while certain == nil {
            guard let length = Frame.length(sent, at: at), let time = overheard.readTime(of: at + Frame.headerCount) else {
                return
            }
            loosen(time)
            now = time
            // Section 4.2: the header alone says it.
            if length > Frame.payloadMax { return end(.frameSize) }
            guard let frame = Frame(sent, at: at), let time = overheard.readTime(of: at + Frame.headerCount + length) else {
                // An error by its header alone; the rest need not be waited for.
                possible.formUnion([.protocolError, .flowControl, .emptyDataFlood, .frameSize])
                return mayOffend(Frame.stream(sent, at: at))
            }
            now = time
            at += Frame.headerCount + length
            take(frame)
        }
    }

    /// Whether what may have ended the connection has, or that it was to end in good order.
    private mutating func loosen(_ time: UInt64) {
        if said.goAways.contains(where: { $0.time <= time }) { isLoose = true }
    }

    // MARK: Ends

    /// What may have ended the connection may have been what did.
    var mayHaveEndedEarly: Bool { said.goAways.contains { end in end.code != 0 && possible.contains { $0.code == end.code } } }

    mutating func end(_ how: FrameEnd) {
        if isLoose { possible.insert(how) } else { certain = how }
    }

    mutating func mayEnd(_ how: FrameEnd) { possible.insert(how) }

    mutating func mayReset() { count(\.resets, surely: false) }

    private mutating func count(_ meter: WritableKeyPath<FrameLedger, Meter>, surely: Bool = true) {
        switch self[keyPath: meter].take(now, surely: surely) {
        case .borne: break
        case .perhaps: possible.insert(self[keyPath: meter].end)
        case .tooMany: end(self[keyPath: meter].end)
        }
    }

    // MARK: Frames

    private mutating func take(_ frame: Frame) {
        if let assembly, frame.kind != .continuation || frame.stream != assembly.stream { return end(.protocolError) }
        if !hasSettings, frame.kind != .settings || frame.has(Frame.ack) { return end(.protocolError) }
        switch frame.kind {
        case .settings: takeSettings(frame)
        case .headers: takeHeaders(frame)
        case .continuation: takeContinuation(frame)
        case .data:
            if frame.stream == 0 { return end(.protocolError) }
            guard let content = frame.content else { return end(frame.payload.isEmpty ? .frameSize : .protocolError) }
            if content.isEmpty, !frame.has(Frame.endStream) { count(\.emptyData) }
            if certain == nil { takeData(frame, content.count) }
        case .reset:
            if frame.payload.count != 4 { return end(.frameSize) }
            if isIdle(frame.stream) { return end(.protocolError) }
            count(\.resets)
            streams[frame.stream]?.isReset = true
        case .ping:
            if frame.payload.count != 8 { return end(.frameSize) }
            if frame.stream != 0 { return end(.protocolError) }
            count(\.pings)
        case .goAway:
            if frame.payload.count < 8 { return end(.frameSize) }
            if frame.stream != 0 { return end(.protocolError) }
            isLoose = true
        case .windowUpdate:
            if frame.payload.count != 4 { return end(.frameSize) }
            count(\.windowUpdates)
            if certain == nil { takeWindowUpdate(frame) }
        case .priority:
            if frame.stream == 0 { return end(.protocolError) }
            if frame.payload.count != 5 { return end(.frameSize) }
            count(\.priorities)
        case .pushPromise: end(.protocolError)
        case nil: count(\.priorities)
        }
    }

    func isIdle(_ stream: UInt32) -> Bool { stream & 1 == 0 || stream > lastStream }

    private mutating func takeSettings(_ frame: Frame) {
        if frame.stream != 0 { return end(.protocolError) }
        if frame.has(Frame.ack) { return frame.payload.isEmpty ? () : end(.frameSize) }
        hasSettings = true
        if frame.payload.count % 6 != 0 { return end(.frameSize) }
        count(\.settings)
        // Longer than any SETTINGS need be.
        if frame.payload.count > 192 { mayEnd(.settingsFlood) }
        for place in stride(from: 0, to: frame.payload.count, by: 6) {
            let value = Int(frame.number(at: place + 2))
            switch UInt16(frame.payload[place]) << 8 | UInt16(frame.payload[place + 1]) {
            case 2 where value > 1, 8 where value > 1: return end(.protocolError)
            case 4 where value > 0x7fff_ffff: return end(.flowControl)
            case 4:
                initialWindow = value
                if streams.values.contains(where: { $0.updates + value > 0x7fff_ffff }) { mayEnd(.flowControl) }
            case 5 where !(Frame.payloadMax...0xff_ffff).contains(value): return end(.protocolError)
            default: break
            }
        }
    }

    private mutating func takeHeaders(_ frame: Frame) {
        if frame.stream & 1 == 0 { return end(.protocolError) }
        guard let content = frame.content else {
            // Without a length of its padding, or a priority; or padding beyond the payload.
            let isShort = frame.payload.isEmpty || frame.has(Frame.hasPriority)
            return isShort ? end(.frameSize) : end(.protocolError)
        }
        assembly = (frame.stream, frame.has(Frame.endStream), content, 1)
        if frame.has(Frame.endHeaders) { blockEnds() }
    }

    private mutating func takeContinuation(_ frame: Frame) {
        guard assembly != nil else { return end(.protocolError) }
        assembly!.frames += 1
        if assembly!.frames > limits.headerFramesMax { return end(.continuationFlood) }
        assembly!.bytes += frame.payload
        if assembly!.bytes.count > limits.headerBytesMax { mayEnd(.headerTooLarge) }
        if frame.has(Frame.endHeaders) { blockEnds() }
    }

    private mutating func blockEnds() {
        guard let (stream, ends, bytes, _) = assembly else { return }
        assembly = nil
        let sense = senses[bytes] ?? .unknown
        if case .unpackable = sense { return end(.compression) }
        if case .unknown = sense { mayEnd(.compression) }
        takeBlock(stream, ends: ends, sense, now)
        // Each new stream may have a priority, and that may change.
        priorities.due = 4 * Int(lastStream + 1) / 2
    }
}

extension FrameLedger {
    /// How many frames of one sort have come, and what that is by `HTTP2Limits`: so many at once, so many in a second for good, and
    /// what was due for what the worker did.
    struct Meter {
        enum Outcome { case borne, perhaps, tooMany }

        let rate: HTTP2Limits.Rate
        let end: FrameEnd
        var due = 0
        private(set) var least = 0
        private var most = 0
        private var first: UInt64 = 0
        /// A worker may come to what it has read somewhat later.
        private static let delay: UInt64 = 100_000_000

        init(_ rate: HTTP2Limits.Rate, _ end: FrameEnd) { (self.rate, self.end) = (rate, end) }

        mutating func take(_ now: UInt64, surely: Bool) -> Outcome {
            if most == 0 { first = now }
            most += 1
            if surely { least += 1 }
            let earned = Int((now - first + Self.delay) * UInt64(rate.perSecond) / 1_000_000_000) + 1
            if least > rate.burst + due + earned { return .tooMany }
            return most > rate.burst ? .perhaps : .borne
        }
    }
}
