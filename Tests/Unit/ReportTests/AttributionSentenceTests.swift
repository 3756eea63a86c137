import Detector
import Facts
import Testing

@testable import Report

/// Why an exchange may be the guilty one, in words.
@Suite struct AttributionSentenceTests {
    private let victim = IncidentParty(
        request: Incident.Request(id: "v", method: "GET", path: "/v?a=b"),
        client: Incident.Client(address: "c", protocolName: "h2"), route: "r", policy: .contain, answer: Answer(), ordinal: 2)

    private func reason(
        delay: UInt64? = 20_000_000, share: Double = 0.5, shift: Attribution.Shift? = nil, hasVictim: Bool = true,
        _ change: (inout Attribution.Suspect) -> Void = { _ in }
    ) -> String {
        var suspect = Attribution.Suspect(age: 0, share: share, delay: delay, isRound: false, wasSuspected: false)
        change(&suspect)
        let attribution = Attribution(confidence: .open, suspects: [suspect], shift: shift)
        return AttributionSentence.reason(suspect, attribution, victim: hasVictim ? victim : nil)
    }

    @Test func reasons() {
        let name = "GET /v?a=[REDACTED]"
        let usual = Attribution.Shift(age: 0, status: 503, usualStatus: 200)
        let same = Attribution.Shift(age: 0, status: 200, usualStatus: 200)
        let rows: [(String, String)] = [
            (reason(), "it came 20.0 ms after the end of its answer (50 %)"),
            (reason { $0.isRound = true }, "it came 20.0 ms after the end of its answer, as a timer does (50 %)"),
            (reason(delay: nil), "it stands in its answer (50 %)"),
            (reason(delay: nil) { $0.isWaiting = true }, "it came while its own answer was still due (50 %)"),
            (
                reason { $0.wasSuspected = true },
                "it came 20.0 ms after the end of its answer; requests like it have been suspected before (50 %)"
            ),
            (
                reason(delay: nil) { $0.isEchoed = true },
                "the answer carries its request's id; it stands in its answer (50 %)"
            ),
            (
                reason(shift: usual),
                "what \(name) was given came 20.0 ms after the end of its answer; \(name) is usually answered with 200, was given "
                    + "503, and its own answer came after it (50 %)"
            ),
            (
                reason(shift: same),
                "what \(name) was given came 20.0 ms after the end of its answer; \(name) is usually answered with what came one too "
                    + "late (50 %)"
            ),
            (
                reason(shift: usual, hasVictim: false),
                "what the next request was given came 20.0 ms after the end of its answer (50 %)"
            ),
        ]
        for (found, expected) in rows { #expect(found == expected) }
    }

    @Test(arguments: [
        (1.0, "over 99 %"), (0.995, "over 99 %"), (0.994, "99 %"), (0.5, "50 %"), (0.005, "1 %"), (0.0149, "1 %"),
        (0.015, "2 %"),
        (0.0049, "under 1 %"), (0, "under 1 %"),
    ])
    func shares(_ share: Double, _ words: String) { #expect(reason(share: share).hasSuffix("(\(words))")) }

    @Test(
        arguments: [
            (0, "0.0"), (49_999, "0.0"), (50_000, "0.1"), (999_999, "1.0"), (1_949_999, "1.9"), (1_950_000, "2.0"),
            (12_345_000_000, "12345.0"),
        ] as [(UInt64, String)])
    func milliseconds(_ nanoseconds: UInt64, _ words: String) {
        #expect(AttributionSentence.milliseconds(nanoseconds) == words)
    }
}
