import Detector
import Facts
import Testing

/// Bytes that no answer accounts for: each place with each appearance (the kinds' table of docs/kinds.md).
@Suite struct SurplusJudgementTests {
    /// What bytes may look like.
    enum Look: CaseIterable, Sendable {
        case answer, interim, lineEnds, garbage
        /// `HTT`: a status line's beginning, and nothing more.
        case beginning
        /// A status line's first word whole, and no status.
        case version

        var facts: SurplusFacts {
            switch self {
            case .answer:
                SurplusFacts(
                    total: 85, status: 500, startLine: "HTTP/1.1 500 Oh", blockBytes: 80, messageBytes: 85,
                    beginsLikeHeaderBlock: true)
            case .interim:
                SurplusFacts(total: 30, status: 103, startLine: "HTTP/1.1 103 E", blockBytes: 30, beginsLikeHeaderBlock: true)
            case .lineEnds: SurplusFacts(total: 2, isOnlyLineEnds: true)
            case .garbage: SurplusFacts(total: 6)
            case .beginning: SurplusFacts(total: 3, beginsLikeHeaderBlock: true)
            case .version: SurplusFacts(total: 9, beginsLikeHeaderBlock: true)
            }
        }
    }

    private func judge(_ place: SurplusPlace, _ look: Look, servedBefore: Bool = true, closed: Bool = false) -> Verdict? {
        Judge.surplus(place, look.facts, servedBefore: servedBefore, closed: closed)
    }

    @Test(arguments: [(SurplusPlace.afterEnd, Phase.afterEnd), (.idle, .idle)], [false, true])
    func behindAnAnswer(place: (SurplusPlace, Phase), closed: Bool) {
        let expected: [Look: Verdict] = [
            .answer: Verdict(.secondResponse, in: place.1), .interim: Verdict(.lateInterim, in: place.1),
            .lineEnds: Verdict(.bodyAfterEnd, severity: .info, in: place.1), .garbage: Verdict(.bodyAfterEnd, in: place.1),
            .beginning: Verdict(.bodyAfterEnd, in: place.1), .version: Verdict(.bodyAfterEnd, in: place.1),
        ]
        for look in Look.allCases { #expect(judge(place.0, look, closed: closed) == expected[look], "\(look)") }
    }

    /// RFC 9110 section 15.5.9: a server may say that it is about to close a connection nobody uses.
    @Test func aTimeoutNoticeIsInnocentOnAnIdleConnectionThatCloses() {
        let notice = SurplusFacts(
            total: 66, status: 408, startLine: "HTTP/1.1 408 Request Timeout", beginsLikeHeaderBlock: true)
        for served in [false, true] {
            #expect(Judge.surplus(.idle, notice, servedBefore: served, closed: true) == nil)
            #expect(Judge.surplus(.idle, notice, servedBefore: served, closed: false)?.kind == .secondResponse)
            #expect(Judge.surplus(.afterEnd, notice, servedBefore: served, closed: true)?.kind == .secondResponse)
        }
        let other = SurplusFacts(total: 66, status: 400, beginsLikeHeaderBlock: true)
        #expect(Judge.surplus(.idle, other, servedBefore: true, closed: true)?.kind == .secondResponse)
    }

    /// Where a status line is due, garbage belongs to the exchange before; what begins like one is that answer's own.
    @Test func beforeAnAnswer() {
        let previous = Verdict(.bodyAfterEnd, in: .nextExchange, by: .previous)
        let own = Verdict(.malformedMessage, in: .inHead)
        #expect(judge(.beforeAnswer, .garbage) == previous)
        #expect(judge(.beforeAnswer, .lineEnds) == Verdict(.bodyAfterEnd, severity: .info, in: .nextExchange, by: .previous))
        for look in [Look.answer, .interim, .beginning, .version] { #expect(judge(.beforeAnswer, look) == own, "\(look)") }
        for look in Look.allCases { #expect(judge(.beforeAnswer, look, servedBefore: false) == own, "\(look)") }
    }

    @Test func amongChunks() {
        let malformed = Verdict(.malformedMessage, in: .inBody)
        #expect(judge(.inChunkedBody, .answer) == Verdict(.headerBlockInBody, in: .inBody))
        #expect(judge(.inChunkedBody, .interim) == Verdict(.lateInterim, in: .inBody))
        #expect(judge(.inChunkedBody, .version) == Verdict(.headerBlockInBody, in: .inBody))
        for look in [Look.beginning, .garbage, .lineEnds] { #expect(judge(.inChunkedBody, look) == malformed, "\(look)") }
    }

    @Test func insteadOfAnAnswer() {
        for look in Look.allCases { #expect(judge(.inAnswer, look) == Verdict(.malformedMessage, in: .inHead), "\(look)") }
    }

    /// Only where bytes may have another meaning is the verdict a suspicion; surplus has none.
    @Test func surplusIsProvenWhereverItStands() {
        for place in [SurplusPlace.afterEnd, .idle, .beforeAnswer, .inChunkedBody, .inAnswer] {
            for look in Look.allCases {
                for served in [false, true] {
                    for closed in [false, true] {
                        #expect(judge(place, look, servedBefore: served, closed: closed)?.certainty == .proven)
                    }
                }
            }
        }
    }
}
