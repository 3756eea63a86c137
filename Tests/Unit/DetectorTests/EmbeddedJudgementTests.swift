import Detector
import Facts
import Testing

/// Status lines inside Content-Length bodies.
@Suite struct EmbeddedJudgementTests {
    private func block(status: Int = 500, block: UInt64? = 80, message: UInt64? = 85) -> SurplusFacts {
        SurplusFacts(total: 200, status: status, blockBytes: block, messageBytes: message, beginsLikeHeaderBlock: true)
    }

    /// Body bytes may spell anything.
    @Test func withoutASurplusNothingIsWrong() {
        #expect(Judge.embedded(block(), surplusBytes: 0) == nil)
        #expect(Judge.embedded(block(status: 103), surplusBytes: 0) == nil)
    }

    @Test func aSurplusAsLongAsTheBlockProvesIt() {
        let proven = Verdict(.headerBlockInBody, in: .inBody)
        #expect(Judge.embedded(block(), surplusBytes: 80) == proven)
        #expect(Judge.embedded(block(), surplusBytes: 85) == proven)
        #expect(Judge.embedded(block(message: nil), surplusBytes: 80) == proven)
        #expect(
            Judge.embedded(block(status: 103, block: 40, message: 40), surplusBytes: 40) == Verdict(.lateInterim, in: .inBody))
    }

    @Test func anyOtherSurplusIsASuspicion() {
        let suspected = Verdict(.headerBlockInBody, .suspected, in: .inBody)
        for surplus in [1, 79, 81, 84, 86, 200] as [UInt64] {
            #expect(Judge.embedded(block(), surplusBytes: surplus) == suspected)
        }
        // A block that was not read whole accounts for nothing.
        #expect(Judge.embedded(block(block: nil, message: nil), surplusBytes: 80) == suspected)
    }

    /// No kind may be given a certainty for which it has no series.
    @Test func certaintiesAreThoseOfTheirKind() {
        for status in [100, 103, 200, 500] {
            for surplus in [1, 80, 85] as [UInt64] {
                let verdict = Judge.embedded(block(status: status), surplusBytes: surplus)
                #expect(verdict.map { $0.kind.certainties.contains($0.certainty) } == true)
            }
        }
    }
}
