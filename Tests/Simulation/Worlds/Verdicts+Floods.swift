import Report

/// What clients of HTTP/2 do that they must not, or too much of, has its consequence, and nothing else has.
extension Verdicts {
    /// What is counted of all clients of a world: at the least, and at the most.
    struct Counts {
        private(set) var least: [RejectReason: Int] = [:]
        private(set) var most: [RejectReason: Int] = [:]

        mutating func add(_ reason: RejectReason, _ range: ClosedRange<Int>) {
            least[reason, default: 0] += range.lowerBound
            most[reason, default: 0] += range.upperBound
        }

        mutating func add(_ other: Counts) {
            for reason in RejectReason.allCases { add(reason, other.range(reason)) }
        }

        func range(_ reason: RejectReason) -> ClosedRange<Int> { least[reason, default: 0]...most[reason, default: 0] }
    }

    static func judgeFaultyClients(_ world: SimulatedWorld) {
        var counts = Counts()
        for client in world.faultyClients where client.isSpoken { counts.add(judge(client, world)) }
        judge(counts, world)
    }

    static func judge(_ counts: Counts, _ world: SimulatedWorld) {
        var counts = counts
        counts.add(.tls, 0...world.handshakesLeft)
        for reason in RejectReason.allCases {
            let counted = world.hands.reduce(0) { $0 + Int($1.counters.rejected(reason)) }
            let range = counts.range(reason)
            if !range.contains(counted) { world.fail("\(reason.text) was counted \(counted) times, it should be \(range)") }
        }
    }

    private static func judge(_ client: FaultyClient, _ world: SimulatedWorld) -> Counts {
        let said = SaidFrames(client.overheard)
        var counts = Counts()
        if client.layer != nil { world.hold("in TLS") }
        // Whoever reads nothing is cut off in time.
        counts.add(.stalledConnection, 0...1)
        guard client.sent.starts(with: Frame.preface) else {
            if client.hasAgreedFrames {
                judgeAgreed(client, said, &counts, world)
            } else {
                judgePreface(client, said, &counts, world)
            }
            return counts
        }
        let ledger = FrameLedger(
            client.sent, client.senses, client.overheard, said, isWhole: !client.hasLeft && !client.hasBeenDeaf)
        judgeEnd(client, ledger, &counts, world)
        for id in Set(ledger.streams.keys).union(said.resets.keys).sorted() {
            judge(id, of: client, ledger, &counts, world)
        }
        judgeIncidents(of: client, counts, world)
        return counts
    }

    /// Who does not begin with the preface is a client of HTTP/1, as long as that is served here; and this is no request.
    private static func judgePreface(
        _ client: FaultyClient, _ said: SaidFrames, _ counts: inout Counts, _ world: SimulatedWorld
    ) {
        let reasons: [RejectReason] = [.malformedRequest, .unsupported, .headerTimeout, .headerTooLarge]
        for reason in reasons { counts.add(reason, 0...1) }
        let read = client.sent.prefix(client.overheard.readTotal)
        let isOther = !Frame.preface.starts(with: read.prefix(Frame.preface.count))
        let counted = reasons.reduce(0) { sum, reason in sum + world.hands.reduce(0) { $0 + Int($1.counters.rejected(reason)) }
        }
        if isOther, !client.hasLeft, !said.isHTTP1 || counted == 0 {
            world.fail("faulty \(client.number) does not begin with the preface, and was not refused")
        }
        if isOther, !client.hasLeft { world.hold("preface") }
        if !said.goAways.isEmpty { world.fail("faulty \(client.number) got GOAWAY without having sent the preface") }
    }

    /// Who has agreed on HTTP/2 by ALPN, and says something else, has broken its rules.
    private static func judgeAgreed(
        _ client: FaultyClient, _ said: SaidFrames, _ counts: inout Counts, _ world: SimulatedWorld
    ) {
        let read = client.sent.prefix(client.overheard.readTotal)
        let isOther = !Frame.preface.starts(with: read.prefix(Frame.preface.count))
        let codes = said.goAways.map(\.code).filter { $0 != 0 }
        if codes == [1], isOther {
            world.hold("preface in TLS")
            counts.add(.malformedFrames, 1...1)
        } else {
            if !codes.isEmpty || isOther && !client.hasLeft {
                world.fail("faulty \(client.number) does not begin with the preface, and was sent away with \(codes)")
            }
            counts.add(.malformedFrames, 0...(isOther ? 1 : 0))
        }
        judgeIncidents(of: client, counts, world)
    }

    // MARK: Connections

    private static func judgeEnd(_ client: FaultyClient, _ ledger: FrameLedger, _ counts: inout Counts, _ world: SimulatedWorld)
    {
        func fail(_ what: String) { world.fail("faulty \(client.number) \(what), of \(client.vices)") }
        let codes = ledger.said.goAways.map(\.code).filter { $0 != 0 }
        var ends = ledger.possible
        if let certain = ledger.certain { ends.insert(certain) }
        if codes.count > 1 { fail("was sent away \(codes.count) times") }
        if let code = codes.first {
            let fitting = ends.filter { $0.code == code }
            if fitting.isEmpty { fail("was sent away with code \(code), it should be \(ends.map { "\($0)" }.sorted())") }
            let reasons = Set(fitting.map(\.reason))
            for reason in reasons { counts.add(reason, reasons.count == 1 ? 1...1 : 0...1) }
            if let certain = ledger.certain, reasons == [certain.reason] { world.hold(certain.rawValue) }
            return
        }
        let mayBeUnseen = client.hasLeft || client.hasBeenDeaf
        if let certain = ledger.certain, !mayBeUnseen { fail("was not sent away for \(certain)") }
        for reason in Set(ends.map(\.reason)) where mayBeUnseen { counts.add(reason, 0...1) }
        if ends.isEmpty, ledger.borne > 30 { world.hold("borne") }
    }

    // MARK: Streams

    private static func judge(
        _ id: UInt32, of client: FaultyClient, _ ledger: FrameLedger, _ counts: inout Counts, _ world: SimulatedWorld
    ) {
        func fail(_ what: String) { world.fail("faulty \(client.number) on stream \(id) \(what), of \(client.vices)") }
        let said = ledger.said.resets[id, default: []].map(\.code)
        guard let stream = ledger.streams[id] else { return fail("was reset with \(said), though it never was opened") }
        let mayBeUnseen = client.hasLeft || client.hasBeenDeaf
        let isSentAway = ledger.mayHaveEndedEarly
        for code in said {
            switch code {
            // Its answer has overtaken it, or its client takes nothing.
            case 0, 2, 8: if stream.isVoid, !stream.isTooLarge { fail("was reset with \(code)") }
            case 7: if !stream.mayBeRefused { fail("was refused") }
            default:
                if !stream.offences.contains(where: { $0.codes.contains(code) }) { fail("was reset with \(code)") }
            }
        }
        let refused = said.filter { $0 == 7 }.count
        counts.add(.tooManyStreams, refused...(stream.mayBeRefused && mayBeUnseen ? max(1, refused) : refused))
        if stream.mustBeRefused {
            world.hold("tooManyStreams")
            if refused == 0, !mayBeUnseen, !isSentAway { fail("was not refused") }
        }
        judgeOffences(stream, said, mayBeUnseen, fail, id, ledger, &counts, world)
        judgeSize(stream, id, mayBeUnseen || isSentAway, fail, ledger, &counts, world)
        // What its client keeps from going on, or does not end, is given up in time.
        for reason in [RejectReason.stalledStream, .slowReader, .bodyTimeout, .noServer] { counts.add(reason, 0...1) }
    }

    private static func judgeOffences(
        _ stream: FrameLedger.Stream, _ said: [UInt32], _ mayBeUnseen: Bool, _ fail: (String) -> Void, _ id: UInt32,
        _ ledger: FrameLedger, _ counts: inout Counts, _ world: SimulatedWorld
    ) {
        guard let first = stream.offences.first else { return }
        let isOver = said.contains { [0, 2, 7, 8].contains($0) }
        let isAnswered = ledger.said.ends[id] != nil
        let isSentAway = ledger.mayHaveEndedEarly
        let seen = stream.offences.filter { offence in said.contains { offence.codes.contains($0) } }
        if seen.isEmpty, first.isCertain, !mayBeUnseen, !isOver, !isSentAway, !isAnswered || first.outlivesAnswer {
            fail("was not reset with \(first.codes)")
        }
        if first.isCertain, !seen.isEmpty {
            world.hold(first.count == .tooLarge ? "large trailers" : "reset with \(first.codes[0])")
        }
        let reasons: [(FrameLedger.Count, RejectReason)] = [
            (.malformed, .malformedRequest), (.misused, .malformedFrames), (.tooLarge, .headerTooLarge),
        ]
        for (count, reason) in reasons {
            let most = stream.offences.filter { $0.count == count }.count
            let isSure = seen.count == stream.offences.count && seen.allSatisfy { $0.count == count }
            counts.add(reason, (isSure ? 1 : 0)...(seen.isEmpty && !mayBeUnseen ? 0 : most))
        }
    }

    private static func judgeSize(
        _ stream: FrameLedger.Stream, _ id: UInt32, _ mayBeUnseen: Bool, _ fail: (String) -> Void, _ ledger: FrameLedger,
        _ counts: inout Counts, _ world: SimulatedWorld
    ) {
        let answered = ledger.said.statuses[id, default: []].filter { $0 == "431" }.count
        if answered > 0, !stream.isTooLarge { fail("was answered with 431") }
        guard stream.isTooLarge else { return }
        let isRefused = ledger.said.resets[id, default: []].contains { $0.code == 7 }
        if answered == 0, !isRefused, !mayBeUnseen, !stream.isLoose { fail("was not answered with 431") }
        if answered > 0 { world.hold("431") }
        counts.add(.headerTooLarge, answered...(mayBeUnseen ? 1 : answered))
    }

    // MARK: Incidents

    /// What is counted as broken is recorded, each once.
    private static func judgeIncidents(of client: FaultyClient, _ counts: Counts, _ world: SimulatedWorld) {
        let recorded = world.incidents.filter { client.isOrigin(of: $0) }.count
        let (requests, frames) = (counts.range(.malformedRequest), counts.range(.malformedFrames))
        let range = requests.lowerBound + frames.lowerBound...requests.upperBound + frames.upperBound
        if !range.contains(recorded) {
            world.fail("\(recorded) incidents of faulty \(client.number), it should be \(range), of \(client.vices)")
        }
    }
}
