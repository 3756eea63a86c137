/// What the other end's frames say, and what RFC 9113 says against them.
extension FramePeer {
    func act(_ frame: Frame) {
        guard frame.payload.count <= Frame.payloadMax else { return breach("a frame of \(frame.payload.count) bytes") }
        if let assembly, frame.kind != .continuation || frame.stream != assembly.stream {
            return breach("a frame in the middle of a header block")
        }
        if !hasPeerSettings, frame.kind != .settings || frame.has(Frame.ack) {
            return breach("it does not begin with SETTINGS")
        }
        switch frame.kind {
        case .settings: settings(frame)
        case .headers:
            guard let content = frame.content, frame.stream & 1 == 1 else { return breach("HEADERS that cannot be read") }
            assembly = (frame.stream, frame.has(Frame.endStream), content)
            if frame.has(Frame.endHeaders) { blockEnds() }
        case .continuation:
            guard assembly != nil else { return breach("CONTINUATION of nothing") }
            assembly!.bytes += frame.payload
            if frame.has(Frame.endHeaders) { blockEnds() }
        case .data: dataFrame(frame)
        case .reset:
            guard let stream = known(frame) else { return }
            guard frame.payload.count == 4 else { return breach("RST_STREAM of \(frame.payload.count) bytes") }
            let wasReset = stream.isReset
            stream.isReset = true
            stream.outbox = []
            if !wasReset { reset(stream, frame.number(at: 0)) }
        case .windowUpdate: windowUpdate(frame)
        case .ping:
            guard frame.payload.count == 8, frame.stream == 0 else { return breach("PING that cannot be read") }
            guard !frame.has(Frame.ack) else {
                pingsUnanswered -= 1
                return
            }
            write(Frame(.ping, flags: Frame.ack, frame.payload))
        case .goAway:
            guard frame.payload.count >= 8, frame.stream == 0 else { return breach("GOAWAY that cannot be read") }
            goneAway(last: frame.number(at: 0), code: frame.number(at: 4))
        case .pushPromise: breach("PUSH_PROMISE")
        case .priority, nil: break
        }
    }

    func known(_ frame: Frame) -> Stream? {
        if let stream = streams[frame.stream] { return stream }
        breach("\(frame.shown) on a stream that nobody has opened")
        return nil
    }

    func settings(_ frame: Frame) {
        guard frame.stream == 0, frame.payload.count % 6 == 0 else { return breach("SETTINGS that cannot be read") }
        if frame.has(Frame.ack) {
            guard !unacknowledged.isEmpty, frame.payload.isEmpty else { return breach("an acknowledgement of nothing") }
            for (setting, value) in unacknowledged.removeFirst() {
                switch setting {
                case 3: streamsMaxInForce = value
                case 4:
                    for stream in streams.values { stream.receiveWindow += value - windowInForce }
                    windowInForce = value
                default: break
                }
            }
            return
        }
        for place in stride(from: 0, to: frame.payload.count, by: 6) {
            let value = Int(frame.number(at: place + 2))
            switch UInt16(frame.payload[place]) << 8 | UInt16(frame.payload[place + 1]) {
            case 2 where value > (isServer ? 1 : 0): return breach("SETTINGS_ENABLE_PUSH \(value)")
            case 3: peerStreamsMax = value
            case 4:
                guard value <= 0x7fff_ffff else { return breach("a window of \(value)") }
                for stream in streams.values { stream.sendWindow += value - peerWindow }
                peerWindow = value
            case 5:
                guard (Frame.payloadMax...0xff_ffff).contains(value) else { return breach("frames of \(value)") }
                peerFrameMax = min(value, Frame.payloadMax)
            case 8:
                guard value <= 1, value == 1 || !peerTakesTunnels else {
                    return breach("SETTINGS_ENABLE_CONNECT_PROTOCOL \(value)")
                }
                peerTakesTunnels = value == 1
            default: break
            }
        }
        let acknowledge = { [weak self] in
            guard let self, isOpen, !isBroken else { return }
            write(Frame(.settings, flags: Frame.ack))
        }
        if hasGreeted { acknowledge() } else { world.network.after(habits.settingsDelay + 1, acknowledge) }
        if !hasPeerSettings {
            hasPeerSettings = true
            introduced()
        }
    }

    func blockEnds() {
        guard let (id, ends, bytes) = assembly else { return }
        assembly = nil
        guard let fields = packer.unpack(bytes) else { return breach("a header block that is no HPACK") }
        if let what = Self.fault(fields) { return breach("a header block with \(what): \(fields)") }
        var stream = streams[id]
        if stream == nil, isServer {
            guard id > lastPeerStream else { return breach("stream \(id) after \(lastPeerStream)") }
            lastPeerStream = id
            let open = streams.values.reduce(0) { $0 + ($1.isOver ? 0 : 1) }
            guard open < streamsMaxInForce else { return breach("\(open + 1) streams of \(streamsMaxInForce)") }
            stream = Stream(id, sendWindow: peerWindow, receiveWindow: windowInForce)
            streams[id] = stream
        }
        guard let stream else { return breach("HEADERS on stream \(id), which nobody has opened") }
        guard !stream.peerHasEnded else { return breach("HEADERS behind the end of stream \(id)") }
        if ends { stream.peerHasEnded = true }
        note("gets on \(id) \(fields.map { "\($0.name): \($0.value)" })")
        // On its way when it was reset.
        if !stream.isReset { head(stream, fields, ends: ends) }
    }

    func dataFrame(_ frame: Frame) {
        guard let stream = known(frame) else { return }
        guard let content = frame.content else { return breach("DATA with too much padding") }
        guard !stream.peerHasEnded else { return breach("DATA behind the end of stream \(stream.id)") }
        receiveWindow -= frame.payload.count
        stream.receiveWindow -= frame.payload.count
        guard receiveWindow >= 0, stream.receiveWindow >= 0 || frame.payload.isEmpty else {
            return breach("\(-min(receiveWindow, stream.receiveWindow)) bytes more than the windows allow")
        }
        let ends = frame.has(Frame.endStream)
        if ends { stream.peerHasEnded = true }
        owed += frame.payload.count
        stream.owed += frame.payload.count
        if !stream.isReset { data(stream, content, ends: ends) }
        creditSoon()
    }

    func creditSoon() {
        guard !isCrediting, owed > 0 else { return }
        isCrediting = true
        world.network.after(habits.creditDelay) { [weak self] in
            guard let self else { return }
            isCrediting = false
            guard isOpen, !isBroken, hasGreeted else { return }
            for id in streams.keys.sorted() {
                let stream = streams[id]!
                if stream.withholds { continue }
                if stream.owed > 0, !stream.peerHasEnded, !stream.isReset { credit(id, stream.owed) }
                stream.owed = 0
            }
            credit(0, owed)
            owed = 0
        }
    }

    /// Gives no room for more on the stream, for so long.
    func withhold(_ stream: Stream, for time: UInt64) {
        stream.withholds = true
        world.network.after(time) { [weak self] in
            guard let self else { return }
            stream.withholds = false
            guard isOpen, !isBroken, stream.owed > 0, !stream.peerHasEnded, !stream.isReset else { return }
            credit(stream.id, stream.owed)
            stream.owed = 0
        }
    }

    func credit(_ id: UInt32, _ count: Int) {
        if id == 0 { receiveWindow += count } else { streams[id]!.receiveWindow += count }
        write(Frame(.windowUpdate, stream: id, Frame.number(UInt32(count))))
    }

    func windowUpdate(_ frame: Frame) {
        guard frame.payload.count == 4 else { return breach("WINDOW_UPDATE of \(frame.payload.count) bytes") }
        let count = Int(frame.number(at: 0) & 0x7fff_ffff)
        guard count > 0 else { return breach("WINDOW_UPDATE by nothing") }
        if frame.stream == 0 {
            sendWindow += count
            if sendWindow > 0x7fff_ffff { breach("a window too large") }
        } else if let stream = known(frame) {
            stream.sendWindow += count
            if stream.sendWindow > 0x7fff_ffff { breach("a window too large") }
        }
    }

    /// What no header block may have (RFC 9113 sections 8.2 and 8.3).
    static func fault(_ fields: Fields) -> String? {
        var isPseudo = true
        for (name, value) in fields {
            if name.hasPrefix(":") {
                if !isPseudo { return "\(name) behind other fields" }
            } else {
                isPseudo = false
            }
            if name.isEmpty || name.utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5a || $0 <= 0x20 || $0 >= 0x7f }) {
                return "the name \(name)"
            }
            if ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].contains(name) { return name }
            if name == "te", value != "trailers" { return "te: \(value)" }
            if value.utf8.contains(where: { $0 == 0 || $0 == 0x0a || $0 == 0x0d }) || value.utf8.first == 0x20 {
                return "the value of \(name)"
            }
        }
        return nil
    }
}
