/// What a client has sent on its streams.
extension FrameLedger {
    /// Streams that are remembered when they are over (`HTTP2Limits.closedRequestsMax`): as long as there were no more, none is forgotten.
    private var mayHaveForgotten: Bool { Int(lastStream + 1) / 2 > limits.closedRequestsMax }

    private mutating func offend(
        _ stream: UInt32, _ codes: [UInt32], _ count: Count, isCertain: Bool = true, outlivesAnswer: Bool = false
    ) {
        mayReset()
        let isCertain = isCertain && !isLoose
        streams[stream]?.offences.append(
            Offence(codes: codes, count: count, isCertain: isCertain, outlivesAnswer: outlivesAnswer))
    }

    /// What has come of a frame may say enough.
    mutating func mayOffend(_ stream: UInt32) {
        offend(stream, [1, 3, 5], .malformed, isCertain: false)
        offend(stream, [1, 3, 5], .misused, isCertain: false)
    }

    // MARK: Header blocks

    mutating func takeBlock(_ id: UInt32, ends: Bool, _ sense: Sense, _ now: UInt64) {
        guard id <= lastStream else { return open(id, ends: ends, sense, now) }
        guard let stream = streams[id] else { return mayEnd(.protocolError) }
        if stream.isReset || stream.isVoid {
            // Whoever has reset a stream is done with it, but not who had ended it before.
            if stream.hasEnded { mayEnd(.streamClosed) }
        } else if stream.hasEnded {
            // Half closed: a stream error; closed: an error of the connection (sections 5.1 and 6.2).
            mayEnd(.streamClosed)
            offend(id, [5], .malformed, isCertain: !mayHaveForgotten && !stream.mayBeRefused, outlivesAnswer: true)
        } else if case .tooLarge = sense, ends, (stream.declared ?? stream.sent) == stream.sent {
            mayEnd(.headerTooLarge)
            offend(id, [1, 11], .tooLarge, isCertain: !stream.mayBeRefused)
        } else {
            // A second header block with the fields of a first (section 8.1).
            offend(id, [1], .malformed, isCertain: !stream.mayBeRefused)
        }
    }

    private mutating func open(_ id: UInt32, ends: Bool, _ sense: Sense, _ now: UInt64) {
        lastStream = id
        let open = openStreams(now)
        var stream = Stream()
        stream.mustBeRefused = open.least >= limits.streamsMax && !isLoose
        stream.mayBeRefused = open.most >= limits.streamsMax || isLoose
        stream.hasEnded = ends
        streams[id] = stream
        if stream.mayBeRefused { mayReset() }
        switch sense {
        case .request(let request):
            streams[id]!.declared = request.framing == .length ? request.body.count : nil
        case .malformed:
            streams[id]!.isVoid = true
            offend(id, [1], .malformed, isCertain: !stream.mayBeRefused)
        case .tooLarge:
            streams[id]!.isVoid = true
            streams[id]!.isTooLarge = true
            streams[id]!.isLoose = isLoose
            mayEnd(.headerTooLarge)
            mayReset()
        case .unknown, .unpackable:
            streams[id]!.isVoid = true
            offend(id, [1], .malformed, isCertain: false)
        }
    }

    /// How many streams are open, at the least and at the most, when the worker reads of a new one.
    private func openStreams(_ now: UInt64) -> (least: Int, most: Int) {
        // What it says may have to wait for so long until its socket takes it.
        let delay: UInt64 = 20_000_000_000
        var (least, most) = (0, 0)
        for (id, stream) in streams where !stream.isReset && !stream.isVoid {
            let resetAt = said.resets[id]?.first?.time ?? .max
            let endAt = stream.hasEnded ? said.ends[id] ?? .max : .max
            if min(resetAt, endAt) <= now { continue }
            most += 1
            if !stream.mayBeRefused, stream.offences.isEmpty, min(resetAt, said.ends[id] ?? .max) > now + delay { least += 1 }
        }
        return (least, most)
    }

    // MARK: DATA

    mutating func takeData(_ frame: Frame, _ count: Int) {
        let id = frame.stream
        if isIdle(id) { return end(.protocolError) }
        connectionSent += frame.payload.count
        if connectionSent > 65_535 + said.updates[0, default: 0] {
            return end(.flowControl)
        } else if connectionSent > limits.connectionWindowBytes {
            mayEnd(.flowControl)
        }
        guard let stream = streams[id] else { return }
        let ends = frame.has(Frame.endStream)
        if stream.isReset || stream.isVoid {
            return offend(id, [5], stream.hasEnded ? .malformed : .nothing, isCertain: false)
        }
        if stream.hasEnded {
            let isKnown = !mayHaveForgotten && !stream.mayBeRefused
            return offend(id, [5], .malformed, isCertain: isKnown, outlivesAnswer: true)
        }
        streams[id]!.sent += count
        let all = stream.sent + count
        if all > said.initialWindow + said.updates[id, default: 0] {
            offend(id, [3], .misused)
        } else if all > said.initialWindow {
            offend(id, [3], .misused, isCertain: false)
        }
        if let declared = stream.declared, all > declared || ends && all < declared {
            offend(id, [1], .malformed, isCertain: !stream.mayBeRefused)
        }
        if ends { streams[id]!.hasEnded = true }
    }

    // MARK: Windows

    mutating func takeWindowUpdate(_ frame: Frame) {
        let count = Int(frame.number(at: 0) & 0x7fff_ffff)
        let most = 0x7fff_ffff
        guard frame.stream != 0 else {
            if count == 0 { return end(.protocolError) }
            connectionUpdates += count
            let window = 65_535 + connectionUpdates
            if window - said.dataBytes - unsaidBytes > most { end(.flowControl) } else if window > most { mayEnd(.flowControl) }
            return
        }
        if isIdle(frame.stream) { return end(.protocolError) }
        guard let stream = streams[frame.stream], !stream.isReset, !stream.isVoid else { return }
        if count == 0 { return offend(frame.stream, [1], .misused, isCertain: !stream.mayBeRefused) }
        streams[frame.stream]!.updates += count
        let window = initialWindow + stream.updates + count
        let left = window - said.dataBytesOf[frame.stream, default: 0] - unsaidBytes
        if left > most {
            offend(frame.stream, [3], .misused, isCertain: !stream.mayBeRefused)
        } else if window > most {
            offend(frame.stream, [3], .misused, isCertain: false)
        }
    }
}
