import Detector
import Simulation

/// How one answer is played: its pieces, what comes behind them, and the incidents that must follow.
final class FaultPlay {
    enum After {
        case nothing, stops, end, endUnannounced, reset, garbageIsDue
        case stray([UInt8], delay: UInt64)
    }

    private(set) var pieces: [Piece] = []
    private(set) var after = After.nothing
    private(set) var expected: [Expected] = []
    private(set) var isFaulty = false
    private(set) var toConfirm: [Int] = []
    /// Bytes of the connection before this answer.
    let sentBefore: Int
    private let served: ScriptedUpstream.Served
    private let connection: Int
    /// Bytes before the final header block, and before the body.
    private let headStart: Int
    private let bodyStart: Int
    /// Where each interim answer ends.
    private let interimEnds: [Int]

    init(_ served: ScriptedUpstream.Served, on upstream: ScriptedUpstream, random: inout SeededNumbers) {
        self.served = served
        connection = upstream.number
        sentBefore = upstream.sentSoFar
        let script = served.script
        interimEnds = script.interims.indices.map { place in script.interims[...place].reduce(0) { $0 + $1.count } }
        headStart = interimEnds.last ?? 0
        bodyStart = headStart + script.head.count
        var bytes = script.bytes
        isFaulty = script.fault != nil
        if let fault = script.fault { apply(fault, to: &bytes, upstream, &random) }
        cut(bytes, script.pauses)
    }

    private func apply(_ fault: Fault, to bytes: inout [UInt8], _ upstream: ScriptedUpstream, _ random: inout SeededNumbers) {
        let script = served.script
        let id = script.id
        switch fault {
        case .secondAnswer(let delay):
            let body = pattern(id + 1_000_000, random.below(50))
            let mark = script.strayIsMarked ? "SendOnce-Id: \(served.mark)\r\n" : ""
            let head =
                "HTTP/1.1 \(random.pick([200, 500])) Again\r\nX-Id: \(id)\r\n\(mark)Content-Length: \(body.count)\r\n\r\n"
            after = .stray(Array(head.utf8) + body, delay: delay)
        case .moreBytes(let delay):
            after = .stray(Array("more-".utf8) + pattern(id + 1_000_000, random.below(300)), delay: delay)
        case .lineEnds(let delay): after = .stray(Array("\r\n".utf8), delay: delay)
        case .interimAfterEnd(let delay):
            after = .stray(Array("HTTP/1.1 103 Early Hints\r\nX-Id: \(id)\r\n\r\n".utf8), delay: delay)
        case .garbageBeforeNext: after = .garbageIsDue
        case .hangUp:
            after = .end
            expect(.hangupAfterEnd, .suspected, [.idle], isOptional: true)
        case .secondHeadBetweenChunks:
            let place = bodyStart + random.pick(script.chunkStarts)
            bytes.replaceSubrange(place..., with: "HTTP/1.1 500 Oops\r\nX-Id: \(id)\r\nContent-Length: 0\r\n\r\n".utf8)
            after = .stops
            expect(.headerBlockInBody, .proven, [.inBody], surplus: bytes.count - place)
        case .interimBetweenChunks:
            let place = bodyStart + random.pick(script.chunkStarts)
            let block = Array("HTTP/1.1 103 Early Hints\r\nX-Id: \(id)\r\nLink: </a>\r\n\r\n".utf8)
            bytes.insert(contentsOf: block, at: place)
            expect(.lateInterim, .proven, [.inBody], surplus: block.count)
        case .secondHeadInLength:
            bytes.replaceSubrange(bodyStart..., with: script.faultyBody[..<script.body.count])
            after = .stray(Array(script.faultyBody[script.body.count...]), delay: 0)
        case .badChunkSize:
            let place = bodyStart + random.pick(script.chunkStarts)
            bytes.replaceSubrange(place..., with: "zz\r\nrubbish".utf8)
            after = .stops
            expect(.malformedMessage, .proven, [.inBody])
        case .truncated(let at, let reset):
            bytes.removeSubrange((bodyStart + min(at, script.framed.count))...)
            // The last chunk belongs to a chunked body: cut before it.
            if script.framing == .chunked, bytes.count == bodyStart + script.framed.count { bytes.removeLast() }
            after = reset ? .reset : .end
            if !reset { expect(.truncatedResponse, .proven, [.inBody]) }
        case .stalled(let at):
            bytes.removeSubrange((bodyStart + min(at, script.framed.count))...)
            if script.framing == .chunked, bytes.count == bodyStart + script.framed.count { bytes.removeLast() }
            after = .stops
            expect(.stalledResponse, script.framing == .length ? .proven : .suspected, [.inBody])
        case .duplicateField: expect(.duplicateField, .proven, [.inHead])
        case .lengthTwice: expect(.duplicateField, .proven, [.inHead])
        case .lengthsDiffer:
            after = .stops
            expect(.conflictingFraming, .proven, [.inHead])
        case .lengthWithChunked: expect(.conflictingFraming, .proven, [.inHead])
        case .garbageForHead: garbageForHead(&bytes, upstream)
        case .unaskedUpgrade:
            bytes = Array(
                "HTTP/1.1 101 Switching Protocols\r\nX-Id: \(id)\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n".utf8)
            after = .stops
            expect(.malformedMessage, .proven, [.inHead])
        case .endUnannounced:
            after = .endUnannounced
            expect(.truncatedResponse, .proven, [.inBody])
        default: preconditionFailure("\(fault) is one of streams")
        }
    }

    /// Before the first answer garbage is this answer's fault, later the fault of the one before.
    private func garbageForHead(_ bytes: inout [UInt8], _ upstream: ScriptedUpstream) {
        bytes = Array("rubbish in place of an answer\r\n\r\n".utf8)
        after = .stops
        guard served.ordinal > 1 else { return expect(.malformedMessage, .proven, [.inHead]) }
        let previous = upstream.served[served.ordinal - 2]
        served.story.mayBeVictim = true
        served.story.mayBeGivenAnother = true
        expected.append(
            Expected(
                kind: .bodyAfterEnd, id: previous.story.id, connection: connection, ordinal: previous.ordinal,
                surplusBytes: bytes.count, phases: [.nextExchange], victim: served.story.id))
    }

    private func expect(
        _ kind: Kind, _ certainty: Certainty, _ phases: Set<Phase>, surplus: Int? = nil, isOptional: Bool = false
    ) {
        expected.append(
            Expected(
                kind: kind, certainty: certainty, id: served.story.id, connection: connection, ordinal: served.ordinal,
                surplusBytes: surplus, phases: phases, isOptional: isOptional))
    }

    /// A reset takes with it what has not left: how far the answer came decides what the proxy can know.
    func noteReset(leftBytes: Int, _ world: SimulatedWorld) {
        guard leftBytes > 0, !interimEnds.contains(leftBytes) else {
            served.story.mayHaveMetAClose = true
            return
        }
        world.expect(
            Expected(
                kind: .truncatedResponse, id: served.story.id, connection: connection, ordinal: served.ordinal,
                phases: leftBytes >= bodyStart ? [.inBody] : [.inHead]))
    }

    /// Until everything has been sent, an incident may come or not: the proxy may already have seen enough.
    func announce(_ world: SimulatedWorld) {
        for expected in expected {
            var announced = expected
            announced.isOptional = true
            let place = world.expect(announced)
            if !expected.isOptional { toConfirm.append(place) }
        }
    }

    private func cut(_ bytes: [UInt8], _ pauses: [(at: Int, delay: UInt64)]) {
        var at = 0
        var delay: UInt64 = 0
        for pause in pauses where pause.at < bytes.count {
            if pause.at > at {
                pieces.append(Piece(delay: delay, bytes: Array(bytes[at..<pause.at])))
                delay = 0
            }
            at = max(at, pause.at)
            // What is wrong comes together: it is watched for a while only.
            delay += isFaulty ? min(pause.delay, 5_000_000) : pause.delay
        }
        pieces.append(Piece(delay: delay, bytes: Array(bytes[at...])))
    }
}
