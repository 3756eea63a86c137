import Facts
import Testing

@testable import Detector

/// What a verdict does to its server, and what bytes that left before a request mean.
@Suite struct VerdictTests {
    /// Total over kinds, certainties and severities: what proves a handler that answers twice.
    @Test(arguments: Kind.allCases)
    func whatQuarantines(_ kind: Kind) {
        for certainty in [Certainty.proven, .suspected] {
            for severity in [Severity.error, .warning, .info] {
                let verdict = Verdict(kind, certainty, severity: severity, in: .idle)
                #expect(verdict.provesDoubleSend == (kind.isDoubleSend && certainty == .proven && severity != .info))
            }
        }
    }

    @Test(arguments: [
        (SurplusFacts(total: 6), Verdict(.bodyAfterEnd, in: .nextExchange, by: .previous)),
        (
            SurplusFacts(total: 2, isOnlyLineEnds: true),
            Verdict(.bodyAfterEnd, severity: .info, in: .nextExchange, by: .previous)
        ),
        (
            SurplusFacts(total: 30, status: 200, beginsLikeHeaderBlock: true),
            Verdict(.misdeliveredResponse, in: .nextExchange, by: .previous)
        ),
        (
            SurplusFacts(total: 30, status: 103, beginsLikeHeaderBlock: true),
            Verdict(.lateInterim, in: .nextExchange, by: .previous)
        ),
        (SurplusFacts(total: 4, beginsLikeHeaderBlock: true), Verdict(.misdeliveredResponse, in: .nextExchange, by: .previous)),
    ])
    func whatLeftBeforeARequest(_ facts: SurplusFacts, _ verdict: Verdict) {
        #expect(Judge.sentBeforeRequest(facts) == verdict)
    }

    /// A finding that is narrowed down to one answer of several has that one's bytes.
    @Test func oneOfSeveralAnswers() {
        var finding = Finding(Verdict(.secondResponse, in: .idle), .surplus(SurplusFacts(total: 90)), connectionOffset: 100)
        finding.sample = Array("firstsecond".utf8)
        let second = SurplusFacts(total: 50, status: 500)
        finding.become(part: second, at: 5)
        #expect(finding.connectionOffset == 105 && finding.sample == Array("second".utf8))
        guard case .surplus(let facts) = finding.matter else { return #expect(Bool(false), "no surplus") }
        #expect(facts == second)
        finding.become(part: second, at: 100)
        #expect(finding.sample.isEmpty, "no more was kept")
    }
}
