import RecordedTraces
import Replay
import Testing
import Traces

/// Every recorded trace through the real worker on the simulated kernel: its incidents, and what its clients got.
@Suite struct ReplayTests {
    private static let files = (try? RecordedTraces.files(in: "http1")) ?? []

    /// Traces that the proxy can meet.
    private static let playable: [String] = files.compactMap { file in
        guard let trace = try? Trace.parse(file.bytes), !trace.isPipelined else { return nil }
        return file.name
    }

    private func trace(_ name: String) throws -> Trace {
        let file = try #require(Self.files.first { $0.name == name })
        return try Trace.parse(file.bytes)
    }

    @Test func thereAreTraces() {
        #expect(Self.files.count > 180 && Self.playable.count > 180)
    }

    @Test(arguments: playable) func asRecorded(name: String) throws {
        let trace = try trace(name)
        let outcome = try Replay.run(trace)
        let comparison = Comparison(found: outcome.incidents, recorded: trace.expectations)
        #expect(comparison.unexpected == [], "\(name)")
        #expect(comparison.missing == [], "\(name)")
        #expect(outcome.faults == [], "\(name)")
    }

    /// The network may cut what the upstream sends anywhere: not one incident, and not one byte for a client, may change.
    /// Here beside line ends and status lines; `replay --cut` of the end-to-end tests does it before every byte.
    @Test(arguments: playable) func cutAnywhere(name: String) throws {
        let trace = try trace(name)
        let whole = try Replay.run(trace)
        for cutting in try Replay.cuttings(of: trace, everywhere: false) {
            let cut = try Replay.run(trace, cutting: cutting)
            #expect(cut.incidents == whole.incidents, "\(name) cut \(cutting)")
            #expect(cut.events == whole.events, "\(name) cut \(cutting)")
            #expect(cut.faults == [], "\(name) cut \(cutting)")
        }
    }

    @Test func pipelinedTracesAreNotPlayed() throws {
        let trace = try trace("pipeline_legit")
        #expect(throws: Replay.Unplayable.self) { try Replay.run(trace) }
    }

    @Test func http2TracesAreNotPlayedYet() throws {
        let file = try #require(try RecordedTraces.files(in: "http2").first)
        let trace = try Trace.parse(file.bytes)
        #expect(throws: Replay.Unplayable.self) { try Replay.run(trace) }
    }

    /// A comparison that could not fail would be worth nothing.
    @Test func aWrongExpectationIsNoticed() throws {
        let trace = try trace("hdr_dup_location")
        let found = try Replay.run(trace).incidents
        #expect(!found.isEmpty)
        #expect(Comparison(found: found, recorded: found).isEqual)
        #expect(!Comparison(found: found, recorded: []).isEqual)
        #expect(!Comparison(found: [], recorded: found).isEqual)
        var other = found
        other[0].facts[0].value += "0"
        let comparison = Comparison(found: found, recorded: other)
        #expect(comparison.unexpected == [found[0]] && comparison.missing == [other[0]])
    }
}
