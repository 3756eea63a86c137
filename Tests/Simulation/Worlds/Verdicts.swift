import Detector
import Report

/// Holds what happened in a world against what may happen.
enum Verdicts {
    /// Whether a request's outcome is one that it may have.
    static func judge(_ story: Story, _ world: SimulatedWorld) {
        func fail(_ what: String) {
            world.fail(
                "request \(story.id) (\(story.request.method), answer \(story.answer.status) \(story.answer.framing)): \(what)")
        }
        if !story.strangeInterims.isEmpty, !story.mayBeVictim { fail("got interim responses of \(story.strangeInterims)") }
        if let tunnel = story.tunnel { judge(tunnel, of: story, world) }
        switch story.outcome {
        case .whole:
            if let links = world.weather.links, story.finishedAt > story.sentAt + links.timeouts.clientBody {
                world.hold("longer than client_body")
            }
            if story.finishedAt > story.sentAt + world.weather.durationMax, world.weather.isInnocent { fail("took very long") }
            let most = story.answer.interims.count * max(1, story.arrivals.count)
            if !story.request.isHTTP10, !(story.answer.interims.count...most).contains(story.interims), !story.mayBeVictim,
                !story.request.asksTunnel
            {
                fail("got \(story.interims) interim responses of \(story.answer.interims.count)")
            }
            if mustBeRefused(story, world) { fail("was not refused for want of its mark") }
            if let fault = story.usedFault, fault.leavesNoWhole, story.arrivals.count == 1 {
                fail("was whole in spite of \(fault)")
            }
        case .aborted, .unserved: break
        // The end of an idle connection may cross a request that no server sees.
        case .nothing where story.isSent && world.hasDrained && story.arrivals.isEmpty: break
        case .nothing:
            fail(story.isSent ? "got no answer" : "was never sent")
        case .cut:
            // A reset that shows a cut answer may overtake the answers before it.
            let isAllowed =
                story.mayBeVictim || story.mayBeReset || story.wasOnBrokenConnection
                || mayBeCut(story, world) || story.usedFault?.mayCut(world.weather.policy) ?? false
                || world.hasDrained && story.arrivals.isEmpty
            if !isAllowed { fail("was cut") }
        case .proxyError(let status):
            if !mayFail(story, with: status, world) { fail("got \(status)") }
        case .wrong(let what):
            // A body that only the connection's end ends is whole wherever that is.
            let isEndedEarly = story.wasOnBrokenConnection && story.answer.framing == .close
            if !story.mayBeGivenAnother, !isEndedEarly, !isOvertaken(story, world) { fail("got \(what)") }
        }
    }

    /// It was on its way on a connection with a stray when an answer before it came: its server has not read enough of it to tell.
    private static func isOvertaken(_ story: Story, _ world: SimulatedWorld) -> Bool {
        world.probe == nil && story.arrivals.isEmpty
            && world.upstreams.contains { $0.stray != nil && $0.hasSomeOfARequest }
    }

    private static func mayFail(_ story: Story, with status: Int, _ world: SimulatedWorld) -> Bool {
        let replayLimit = 3
        // Its own answer, whose header block a stray in its middle has ended: what names it came too late.
        if status == story.answer.status, story.mayBeVictim { return true }
        if let health = world.health, mayFail(story, with: status, health, world) { return true }
        if let names = world.names, mayFail(story, with: status, names, world) { return true }
        switch status {
        case 502 where world.sort == .outages: return mayFailInOutages(story, world)
        case 502:
            if world.closes > 0, !story.isReplayable || world.closes >= replayLimit { return true }
            if mustFail(story, world) { return true }
            if story.wasOnBrokenConnection || story.mayLackRetry || mayBeRefused(story, world) { return true }
            if story.mayBeVictim || world.incidents.contains(where: { id($0.victim) == story.id }) { return true }
            return story.usedFault?.mayFail(world.weather.policy) ?? false
        // No descriptor was left for a connection.
        case 503: return world.lacksDescriptors
        // Its server takes no tunnels.
        case 501: return story.tunnel?.script.name == "websocket" && world.speech.upstreams?.takesTunnels == false
        // The server's word to an idle connection, which crossed a request on its way.
        case 408: return world.weather.upstreamIdleNanoseconds != nil && world.closes > 0
        // No error, so none of the proxy's: a stray in the middle of a header block makes others of both, some without an answer's id.
        case ..<400: return story.mayBeVictim
        default: return false
        }
    }

    // MARK: Incidents

    static func judgeIncidents(_ world: SimulatedWorld) {
        var left = world.incidents.filter { !isSuspicion($0, world) }
        if world.sort == .clients { return judgeAccusations(world) }
        // Theirs are judged with what they did.
        if world.sort == .requests || world.sort == .records { return }
        if [.outages, .health, .names].contains(world.sort) { return judgeOutages(world) }
        if world.weather.isInnocent {
            for incident in left {
                world.fail("an innocent world has an incident: \(incident.kind.rawValue): \(incident.message)")
            }
            return
        }
        for upstream in world.upstreams {
            if let stray = upstream.stray { judge(stray, of: upstream, &left, world) }
        }
        for expected in world.expected {
            if let place = left.firstIndex(where: { matches($0, expected, world) }) {
                check(left.remove(at: place), expected, world)
            } else if !expected.isOptional, !mayBeOvertaken(expected, world) {
                world.fail("no \(expected.kind.rawValue) of request \(expected.id) was recorded")
            }
        }
        for incident in left { world.fail("unexpected \(incident.kind.rawValue) (\(incident.certainty)): \(incident.message)") }
    }

    /// The drain's deadline comes before a stall is seen.
    private static func mayBeOvertaken(_ expected: Expected, _ world: SimulatedWorld) -> Bool {
        guard let since = expected.silentSince, let end = world.drainEndsAt else { return false }
        return since + world.plan.upstreams[0].bodyIdleTimeout + 1_000_000_000 > end
    }

    static func id(_ request: Incident.Request?) -> Int? { request.flatMap { Int($0.path.dropFirst(3)) } }

    private static func matches(_ incident: Incident, _ expected: Expected, _ world: SimulatedWorld) -> Bool {
        guard incident.kind == expected.kind, incident.certainty == expected.certainty else { return false }
        if expected.id == Expected.anyone { return incident.upstream?.connection == UInt64(expected.connection) }
        if expected.id == 0 {
            return incident.request == nil && incident.upstream?.connection == UInt64(expected.connection)
                && incident.evidence.surplusBytes == expected.surplusBytes.map(UInt64.init)
        }
        return id(incident.request) == expected.id || isCandidate(expected, incident)
    }

    /// The guilty one may stand among the candidates alone, where the record says that it is not sure. Whoever was sent again is one on its
    /// second connection too.
    private static func isCandidate(_ expected: Expected, _ incident: Incident) -> Bool {
        incident.attribution != .certain && incident.upstream?.connection == UInt64(expected.connection)
            && incident.candidates.contains { id($0.request) == expected.id }
    }

    private static func check(_ incident: Incident, _ expected: Expected, _ world: SimulatedWorld) {
        func fail(_ what: String) { world.fail("\(expected.kind.rawValue) of request \(expected.id): \(what)") }
        if let bytes = expected.surplusBytes, incident.evidence.surplusBytes != UInt64(bytes) {
            fail("\(incident.evidence.surplusBytes ?? 0) surplus bytes instead of \(bytes)")
        }
        if !expected.phases.contains(incident.evidence.phase) { fail("phase \(incident.evidence.phase.rawValue)") }
        if incident.upstream?.exchange != UInt32(expected.ordinal), id(incident.request) == expected.id {
            fail("exchange \(incident.upstream?.exchange ?? 0) instead of \(expected.ordinal)")
        }
        if incident.upstream?.connection != UInt64(expected.connection) {
            fail("connection \(incident.upstream?.connection ?? 0) instead of \(expected.connection)")
        }
        if let victim = expected.victim, id(incident.victim) != victim { fail("victim \(id(incident.victim) ?? 0)") }
        checkImpact(incident, fail, world)
    }

    /// What the record says of the client must be what the client saw.
    private static func checkImpact(_ incident: Incident, _ fail: (String) -> Void, _ world: SimulatedWorld) {
        guard let who = id(incident.victim ?? incident.request), let story = world.stories[who],
            !story.mayBeVictim || incident.victim == nil
        else { return }
        switch (incident.clientImpact, story.outcome) {
        case (.none, .whole), (.aborted, .cut), (.badGateway, .proxyError(502)), (.misdelivered, _): break
        // The reset came before its first byte, which then looks like an answer before it.
        case (.aborted, .unserved) where story.mayBeReset: break
        // Another of its faults, or the fault of another, did more.
        case (.none, _) where world.incidents.count { id($0.request) == who || id($0.victim) == who } > 1: break
        // What had been written of its answer was still on its way when the reset for a later one overtook it.
        case (.none, .cut), (.none, .unserved), (.badGateway, .cut),
            (.badGateway, .unserved)
        where wasOvertaken(story, world):
            break
        default: fail("impact \(incident.clientImpact.rawValue), but the client's outcome is \(story.outcome)")
        }
    }

    /// Whether a reset that shows a later answer to the same client cut may have met this one on its way.
    private static func wasOvertaken(_ story: Story, _ world: SimulatedWorld) -> Bool {
        story.mayBeReset
            && world.incidents.contains { incident in
                guard incident.clientImpact == .aborted, let other = id(incident.victim ?? incident.request) else {
                    return false
                }
                return other / 100 == story.id / 100 && other > story.id
            }
    }

    // MARK: Strays

    /// Bytes behind an answer's end. Found before the connection served another, they are recorded once and exactly; when
    /// another request had reached the upstream they may have been taken for its answer, which accounting shows afterwards.
    private static func judge(
        _ stray: ScriptedUpstream.Stray, of upstream: ScriptedUpstream, _ left: inout [Incident], _ world: SimulatedWorld
    ) {
        let guilty = stray.guilty
        if stray.others.isEmpty, !upstream.hasSomeOfARequest {
            var expected = Expected(
                kind: .bodyAfterEnd, id: guilty.story.id, connection: upstream.number, ordinal: guilty.ordinal,
                surplusBytes: stray.bytes, phases: [.afterEnd, .idle])
            switch stray.fault {
            case .secondAnswer: expected.kind = .secondResponse
            case .interimAfterEnd: expected.kind = .lateInterim
            case .secondHeadInLength:
                expected.kind = .headerBlockInBody
                expected.phases = [.inBody]
            default: break
            }
            world.expect(expected)
            return
        }
        let involved = [guilty.story.id] + stray.others.map(\.story.id)
        let before = left.count
        judgeAccused(stray, upstream, left, world)
        left.removeAll { incident in
            incident.upstream?.connection == UInt64(upstream.number)
                && ([incident.request, incident.victim]
                    + (incident.attribution == .certain ? [] : incident.candidates.map(\.request)))
                    .contains { id($0).map(involved.contains) ?? false }
        }
        // An interim response is passed on as the next answer's own; a body in the making ends the connection unseen, and a
        // body that its connection ends takes everything in. Without the victim's own answer none is one too many.
        var mayBeSilent =
            stray.isInside || stray.others.isEmpty || upstream.hasSomeOfARequest
            || stray.others.contains { $0.story.request.hasBody || $0.script.framing == .close || !$0.isAnswered }
        if case .interimAfterEnd = stray.fault { mayBeSilent = true }
        if case .lineEnds = stray.fault { mayBeSilent = true }
        if isUsual(stray, world) { mayBeSilent = true }
        if mustBeRecorded(stray, world) { mayBeSilent = false }
        if before == left.count, !mayBeSilent, !isSuspected(stray, of: upstream, world) {
            world.fail("nothing was recorded of the stray of request \(guilty.story.id)")
        }
    }
}

extension Story {
    /// What its upstream has not served is asked for again, but not for ever, and not when too much of it has been sent.
    fileprivate var mayLackRetry: Bool { refusals > 1 || refusals == 1 && request.body.count > 60_000 }

    /// The fault that was played.
    var usedFault: Fault? { hasUsedFault ? answer.fault : nil }
}

extension Fault {
    /// The client cannot have a whole answer.
    var leavesNoWhole: Bool {
        switch self {
        case .endUnannounced, .badChunkSize, .lengthsDiffer, .unaskedUpgrade, .garbageForHead, .truncated, .stalled,
            .lengthShort,
            .malformedHead,
            .dataBeforeHead, .secondHeadBetweenChunks, .statusInTrailers, .trailersWithoutEnd, .malformedTrailers:
            true
        default: false
        }
    }

    /// The client's answer may be cut.
    func mayCut(_ policy: ViolationPolicy) -> Bool {
        switch self {
        case .endUnannounced, .secondHeadBetweenChunks, .truncated, .stalled, .badChunkSize, .statusInTrailers,
            .trailersWithoutEnd,
            .malformedTrailers, .lengthShort, .connectionBroken:
            true
        default: policy == .fail
        }
    }

    /// The client may get 502.
    func mayFail(_ policy: ViolationPolicy) -> Bool { leavesNoWhole || policy == .fail || self == .otherMark }
}

extension Sequence {
    fileprivate func count(where matches: (Element) -> Bool) -> Int { reduce(0) { $0 + (matches($1) ? 1 : 0) } }
}
