import Detector
import Proxy
import Report

/// What the marks of requests and answers must come to.
extension Verdicts {
    private static func lacksMark(_ story: Story, _ world: SimulatedWorld) -> Bool {
        guard world.probe?.echo == .require, !story.request.asksTunnel else { return false }
        return story.answer.mark != .own
    }

    /// An answer without the mark that is required reaches nobody.
    static func mustBeRefused(_ story: Story, _ world: SimulatedWorld) -> Bool { lacksMark(story, world) }

    static func mayBeRefused(_ story: Story, _ world: SimulatedWorld) -> Bool { lacksMark(story, world) }

    /// An answer without a mark, where others had theirs: it may be a stray, and is never more than suspected of it.
    static func isSuspicion(_ incident: Incident, _ world: SimulatedWorld) -> Bool {
        guard world.probe != nil, incident.kind == .misdeliveredResponse, incident.certainty == .suspected,
            incident.evidence.proof == .requestID, let victim = id(incident.victim), let story = world.stories[victim]
        else { return false }
        return story.answer.mark == .none
    }

    /// A stray without a mark that meets a request whose own answer has none either is suspected alone, and that is its record.
    static func isSuspected(
        _ stray: ScriptedUpstream.Stray, of upstream: ScriptedUpstream, _ world: SimulatedWorld
    ) -> Bool {
        world.incidents.contains { incident in
            isSuspicion(incident, world) && incident.upstream?.connection == UInt64(upstream.number)
                && stray.others.contains { $0.story.id == id(incident.victim) }
                && ([incident.request] + incident.candidates.map(\.request)).contains { id($0) == stray.guilty.story.id }
        }
    }

    /// Who sent a second answer that has a mark is known.
    static func judgeAccused(
        _ stray: ScriptedUpstream.Stray, _ upstream: ScriptedUpstream, _ incidents: [Incident], _ world: SimulatedWorld
    ) {
        guard stray.isMarked else { return }
        for incident in incidents
        where incident.upstream?.connection == UInt64(upstream.number) && incident.kind == .misdeliveredResponse
            && incident.evidence.proof == .requestID && incident.certainty == .proven
        {
            guard id(incident.request) != stray.guilty.story.id else { continue }
            world.fail("request \(id(incident.request) ?? 0) is accused of the second answer to \(stray.guilty.story.id)")
        }
    }

    /// The stray has no mark, nor has, when it is asked for twice, what answers another request of its victim's sort: so it is nothing that
    /// could be told from their own answers (`AskedInVain`).
    static func isUsual(_ stray: ScriptedUpstream.Stray, _ world: SimulatedWorld) -> Bool {
        guard world.probe != nil, !stray.isMarked, let victim = stray.others.first?.story else { return false }
        return world.stories.values.contains {
            $0.id != victim.id && $0.request.method == victim.request.method && $0.answer.mark == .none && $0.arrivals.count > 1
        }
    }

    /// A second answer that meets a request, and whose mark, or that it lacks one, shows what it is: unless it comes after bytes of
    /// that request's own answer, or the request was still being sent.
    static func mustBeRecorded(_ stray: ScriptedUpstream.Stray, _ world: SimulatedWorld) -> Bool {
        guard stray.isMarked || stray.hasEchoed && world.probe?.echo == .require, let victim = stray.others.first else {
            return false
        }
        // What lacks its mark by itself is no more than suspected.
        return !isUsual(stray, world) && !stray.isBehindBytes && victim.script.mark != .none
            && (victim.isWhole || !victim.story.request.hasBody)
    }
}
