import Detector
import Simulation

/// How one answer is played on a stream: what is put on it, and the incidents that must follow.
final class StreamPlay {
    struct Step {
        var delay: UInt64
        var output: FramePeer.Output
    }

    private var steps: [Step] = []
    private let served: StreamUpstream.Served
    private unowned let upstream: StreamUpstream
    private unowned let world: SimulatedWorld
    private var script: AnswerScript { served.script }
    private var id: Int { served.script.id }

    init(_ served: StreamUpstream.Served, on upstream: StreamUpstream) {
        self.served = served
        self.upstream = upstream
        world = upstream.world
        if script.fault == .otherMark, otherServed == nil { served.script.fault = nil }
        for _ in script.interims { put(.head([(":status", "103"), ("x-id", "\(id)")], ends: false)) }
        if let fault = script.fault, playsBeforeHead(fault) { return }
        if script.status == 101, served.story.tunnel != nil {
            put(.head(fields, ends: false) { [served] _ in served.hasHead = true })
            act { [served, unowned upstream] in upstream.opensTunnel(served) }
            return
        }
        let ends = endsWithHead
        put(.head(fields, ends: ends) { [served] _ in served.hasHead = true })
        if ends {
            answered()
        } else if let fault = script.fault {
            playAfterHead(fault)
        } else {
            putBody(to: script.body.count, thenEnd: true)
        }
    }

    /// What is put on the stream, one after another. Once.
    func takeSteps() -> ArraySlice<Step> {
        defer { steps = [] }
        return steps[...]
    }

    // MARK: The answer

    private var fields: FieldPacker.Fields {
        let lines = String(decoding: script.head, as: UTF8.self).split(separator: "\r\n").dropFirst()
        let pairs = lines.map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (name: parts[0].lowercased(), value: String(parts[1].drop { $0 == " " }))
        }
        // What 101 says over HTTP/1, 200 says over HTTP/2 (RFC 8441 section 5).
        let left = ["transfer-encoding", "connection", "keep-alive", "upgrade", "sec-websocket-accept"]
        return [(":status", "\(script.status == 101 ? 200 : script.status)")] + pairs.filter { !left.contains($0.name) }
    }

    private func put(_ output: FramePeer.Output, after delay: UInt64 = 0) { steps.append(Step(delay: delay, output: output)) }

    private func act(after delay: UInt64 = 0, _ action: @escaping () -> Void) { put(.action(action), after: delay) }

    private var endsWithHead: Bool {
        script.fault == nil && script.body.isEmpty && script.trailer == nil && world.random.chance(perMille: 700)
    }

    /// The body from one place to another, with the script's pauses.
    private func putBody(from first: Int = 0, to last: Int, thenEnd: Bool = false) {
        let offset = script.bytes.count - script.framed.count
        var at = first
        var delay: UInt64 = 0
        for pause in script.pauses {
            let place = min(max(pause.at - offset, first), last)
            if place > at {
                put(.data(Array(script.body[at..<place]), ends: false), after: delay)
                delay = 0
                at = place
            }
            delay += script.fault == nil ? pause.delay : min(pause.delay, 5_000_000)
        }
        let endsInData = thenEnd && script.trailer == nil && world.random.chance(perMille: 600)
        if at < last || endsInData { put(.data(Array(script.body[at..<last]), ends: endsInData), after: delay) }
        if thenEnd { end(isEnded: endsInData) }
    }

    private func end(isEnded: Bool = false) {
        if !isEnded {
            if let trailer = script.trailer {
                put(.head([("x-trailer", trailer)], ends: true))
            } else {
                put(.data([], ends: true))
            }
        }
        answered()
    }

    private func answered() { act { [served, unowned upstream] in upstream.answered(served) } }

    // MARK: Faults

    @discardableResult
    private func expect(_ kind: Kind, _ phases: Set<Phase>, _ certainty: Certainty = .proven, surplus: Int? = nil) -> Int {
        world.expect(
            Expected(
                kind: kind, certainty: certainty, id: id, connection: upstream.number, ordinal: served.ordinal,
                surplusBytes: surplus, phases: phases))
    }

    /// A header block which an incident must record, with its bytes if they are surplus.
    private func putWrong(_ fields: FieldPacker.Fields, ends: Bool, _ kind: Kind, _ phase: Phase) {
        put(.head(fields, ends: ends) { [self] count in expect(kind, [phase], surplus: phase == .inBody ? count : nil) })
    }

    /// An exchange of the connection that is over: whose mark an answer should not have. Its own answer may have been refused.
    private var otherServed: StreamUpstream.Served? {
        let over = upstream.served.filter { $0.isAnswered && $0 !== served && $0.script.fault == nil }
        return over.last { $0.script.mark == .own } ?? over.last
    }

    /// The whole answer, as if it were another's.
    private func putAnotherAnswer() {
        guard let other = otherServed else { return }
        let wrong = fields.map { $0.name == "sendonce-id" ? (name: $0.name, value: other.mark) : $0 }
        put(
            .head(wrong, ends: false) { [self] _ in
                world.expect(
                    Expected(
                        kind: .misdeliveredResponse, id: other.script.mark == .own ? other.story.id : Expected.anyone,
                        connection: upstream.number, ordinal: other.ordinal, phases: [.nextExchange], victim: id))
            })
        putBody(to: script.body.count, thenEnd: true)
    }

    /// Those that take the place of the header block, or are in it.
    private func playsBeforeHead(_ fault: Fault) -> Bool {
        switch fault {
        case .malformedHead:
            let wrong: FieldPacker.Fields = world.random.pick([
                [(":status", "200"), ("X-Upper", "a")], [("x-id", "\(id)")],
                [(":status", "200"), ("transfer-encoding", "chunked")],
                [(":status", "101")], [("x-id", "\(id)"), (":status", "200")], [(":status", "200"), ("connection", "close")],
            ])
            putWrong(wrong, ends: false, .malformedMessage, .inHead)
        case .dataBeforeHead:
            put(.data(Array("early".utf8), ends: false))
            act { [self] in expect(.malformedMessage, [.inHead]) }
        case .otherMark: putAnotherAnswer()
        case .lengthsDiffer:
            putWrong(fields, ends: false, .conflictingFraming, .inHead)
        default: return false
        }
        return true
    }

    private func playAfterHead(_ fault: Fault) {
        let second: FieldPacker.Fields = [(":status", world.random.pick(["200", "500"])), ("x-id", "\(id)")]
        let count = script.body.count
        switch fault {
        case .secondAnswer(let delay):
            let body = pattern(id + 1_000_000, world.random.below(50))
            stray(after: delay, .secondResponse, second, body)
        case .moreBytes(let delay): stray(after: delay, .bodyAfterEnd, nil, Array("more-".utf8) + pattern(id, 100))
        case .lineEnds(let delay): stray(after: delay, .bodyAfterEnd, nil, Array("\r\n".utf8))
        case .interimAfterEnd(let delay): stray(after: delay, .lateInterim, [(":status", "103"), ("x-id", "\(id)")], [])
        case .fieldsAfterEnd(let delay): stray(after: delay, .bodyAfterEnd, [("x-late", "\(id)")], [])
        case .unrequested(let isHead):
            putBody(to: count, thenEnd: true)
            act { [self] in unrequested(isHead ? second : nil) }
        case .duplicateField, .lengthTwice:
            act { [self] in expect(.duplicateField, [.inHead]) }
            putBody(to: count, thenEnd: true)
        case .secondHeadBetweenChunks: breakOff(second, ends: false)
        case .trailersWithoutEnd: breakOff([("x-late", "\(id)")], ends: false)
        case .statusInTrailers: breakOff(second, ends: true)
        case .malformedTrailers: breakOff([("x-late", "\(id)"), ("X-Upper", "a")], ends: true)
        case .interimBetweenChunks:
            let place = world.random.below(count + 1)
            putBody(to: place)
            putWrong([(":status", "103"), ("x-id", "\(id)")], ends: false, .lateInterim, .inBody)
            putBody(from: place, to: count, thenEnd: true)
        case .lengthExceeded:
            let more = pattern(id + 1_000_000, 1 + world.random.below(100))
            putBody(to: count)
            putSurplus(more)
        case .dataOnBodiless: putSurplus(pattern(id + 1_000_000, 1 + world.random.below(100)))
        case .lengthShort(let at):
            putBody(to: min(at, count))
            put(.data([], ends: true))
            act { [self] in expect(.truncatedResponse, [.inBody]) }
            answered()
        case .truncated(let at, _):
            putBody(to: min(at, count))
            act { [self] in expect(.truncatedResponse, [.inBody]) }
            put(.reset(world.random.pick([2, 11, 1])))
        case .stalled(let at):
            putBody(to: min(at, count))
            act { [self] in
                let place = expect(.stalledResponse, [.inBody], script.framing == .length ? .proven : .suspected)
                world.expected[place].silentSince = world.network.time
                served.stall = place
            }
        case .connectionBroken(let how):
            putBody(to: world.random.below(count + 1))
            act { [self] in breakConnection(how) }
        default: preconditionFailure("\(fault) is none of streams")
        }
    }

    /// DATA for which the answer has no room. The first of it may be recorded already: the connection may be broken before the rest.
    private func putSurplus(_ bytes: [UInt8]) {
        act { [self] in
            let place = expect(.bodyAfterEnd, [.afterEnd])
            world.mayMiss(place)
            served.surplus = place
        }
        put(.data(bytes, ends: true))
        act { [self] in
            world.expected[served.surplus!].surplusBytes = bytes.count
            world.confirm(served.surplus!)
        }
        answered()
    }

    /// Right behind the answer's end, or so much later, on the stream that is over.
    private func stray(after delay: UInt64, _ kind: Kind, _ block: FieldPacker.Fields?, _ body: [UInt8]) {
        putBody(to: script.body.count, thenEnd: true)
        let send = { [weak upstream, self] in
            guard let upstream, upstream.maySpeak else { return }
            var count = body.count
            if let block { count += upstream.writeHead(served.stream.id, block, ends: body.isEmpty) }
            if !body.isEmpty { upstream.writeData(served.stream.id, body, ends: true) }
            let place = expect(kind, [.afterEnd, .idle], surplus: count)
            // A worker that leaves watches for 100 ms, of which some are over.
            if world.sort == .changes, world.weather.upstreamLink.isSlow {
                world.mayMiss(place)
                world.expected[place].surplusBytes = nil
            }
        }
        act { [world] in if delay == 0 { send() } else { world.network.after(delay, send) } }
    }

    /// On a stream that nobody has asked for. Once a connection: more of it is no other incident.
    private func unrequested(_ block: FieldPacker.Fields?) {
        guard !upstream.hasSentUnrequested else { return }
        upstream.hasSentUnrequested = true
        let stream = world.random.pick([UInt32(2 * (1 + id)), UInt32(1_000_001 + 2 * id)])
        let body = pattern(id, 1 + world.random.below(50))
        var count = body.count
        if let block { count += upstream.writeHead(stream, block, ends: false) }
        upstream.writeData(stream, body, ends: true)
        world.expect(
            Expected(
                kind: block == nil ? .bodyAfterEnd : .secondResponse, id: 0, connection: upstream.number, ordinal: 0,
                surplusBytes: count, phases: [.afterEnd, .idle]))
    }

    /// A header block in the middle with which the stream cannot go on.
    private func breakOff(_ block: FieldPacker.Fields, ends: Bool) {
        // All of a declared length is a whole answer for its client.
        let place = world.random.below(script.framing == .length ? script.body.count : script.body.count + 1)
        putBody(to: place)
        putWrong(block, ends: ends, .headerBlockInBody, .inBody)
    }

    /// What ends the whole connection, with everything that is on it.
    private func breakConnection(_ how: ConnectionFault) {
        upstream.runDueActions()
        guard upstream.maySpeak else { return }
        for other in upstream.served where other.isInProgress && other.hasHead {
            other.story.wasOnBrokenConnection = true
            // That ends before it has been silent for long enough.
            if let stall = other.stall { world.mayMiss(stall) }
            world.expect(
                Expected(
                    kind: .truncatedResponse, id: other.story.id, connection: upstream.number, ordinal: other.ordinal,
                    phases: [.inBody], isOptional: true))
        }
        let idle = upstream.lastPeerStream + 100
        switch how {
        case .end: break
        case .resetOfIdle: upstream.write(Frame(.reset, stream: idle, Frame.number(0)))
        case .windowOfNothing: upstream.write(Frame(.windowUpdate, Frame.number(0)))
        case .push: upstream.write(Frame(.pushPromise, flags: Frame.endHeaders, stream: served.stream.id, Frame.number(2)))
        case .hugeFrame: upstream.write(Frame(.data, stream: served.stream.id, [UInt8](repeating: 0, count: 20_000)))
        case .garbageBlock:
            upstream.write(
                Frame(.headers, flags: Frame.endHeaders, stream: served.stream.id, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]))
        }
        upstream.stop()
        world.closes += 1
        if how == .end { return upstream.finish() }
        world.expect(
            Expected(
                kind: .malformedMessage, id: Expected.anyone, connection: upstream.number, ordinal: served.ordinal,
                phases: [.inHead, .inBody]))
    }
}

/// How an upstream's server ends a connection of HTTP/2 in the middle of everything.
enum ConnectionFault: CaseIterable { case end, resetOfIdle, windowOfNothing, push, hugeFrame, garbageBlock }
