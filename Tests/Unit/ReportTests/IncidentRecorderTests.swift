import Detector
import Testing

@testable import Report

struct IncidentRecorderTests {
    private let metrics = Metrics(schema: testSchema(routes: ["shop", "blog"]), version: "1")

    private func sample(_ name: String) -> String? {
        text(metrics.exposition(.prometheus)).split(separator: "\n").first { $0.hasPrefix(name) }
            .flatMap { $0.split(separator: " ").last }.map(String.init)
    }

    @Test func theLimitHoldsBackAndTheNextRecordSaysSo() {
        let recorder = IncidentRecorder(metrics: metrics, log: nil, limit: IncidentLimit(burst: 2, perSecond: 1))
        for _ in 0..<5 { recorder.record(fullIncident(), monotonicNanoseconds: 1_000_000_000) }
        recorder.record(fullIncident(route: "blog"), monotonicNanoseconds: 1_000_000_000)  // a key of its own
        recorder.record(fullIncident(), monotonicNanoseconds: 1_999_999_999)
        recorder.record(fullIncident(), monotonicNanoseconds: 2_000_000_000)
        let suppressed = recorder.ring.incidents(limit: 100).map(\.incident.suppressed)
        #expect(suppressed == [0, 0, 0, 4])
        #expect(text(recorder.ring.incidents(limit: 1)[0].json).hasSuffix(#""suppressed":4}"#))
        #expect(sample(#"sendonce_incidents_suppressed_total{kind="header_block_in_body"}"#) == "4")
        let labels = #"kind="header_block_in_body",certainty="proven",route="shop",upstream="legacy-shop""#
        #expect(sample("sendonce_incidents_total{\(labels)}") == "7")
    }

    @Test func aClockThatStandsStillRefillsNothing() {
        var limiter = IncidentLimiter(limit: IncidentLimit(burst: 1, perSecond: 1000))
        let key = IncidentLimiter.Key(kind: .lateInterim, route: "a", upstream: "b")
        #expect(limiter.admit(key, nowNanoseconds: 10) == 0)
        #expect(limiter.admit(key, nowNanoseconds: 10) == nil)
        #expect(limiter.admit(key, nowNanoseconds: 5) == nil)
        #expect(limiter.admit(key, nowNanoseconds: 1_000_010) == 2)
    }

    @Test func aLogOfIncidents() throws {
        let scratch = ScratchDirectory()
        let log = try IncidentLog(path: scratch.path + "/i.jsonl", metrics: metrics, report: { _ in })
        let recorder = IncidentRecorder(metrics: metrics, log: log)
        recorder.record(fullIncident())
        log.close()
        #expect(scratch.contents("i.jsonl") == text(recorder.ring.incidents(limit: 1)[0].json) + "\n")
    }
}
