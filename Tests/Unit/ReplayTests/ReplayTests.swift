import RecordedTraces
import Replay
import Testing
import Traces

/// Every recorded trace through the real worker on the simulated kernel: its incidents, and what its clients got.
@Suite struct ReplayTests {
    private static let files = ["http1", "http2"].flatMap { (try? RecordedTraces.files(in: $0)) ?? [] }

    /// Traces whose frames stand there in words alone.
    private static let bytesNotKept = ["h2_write_after_end_big_caught"]

    /// Traces that the proxy can meet.
    private static let playable: [String] = files.compactMap { file in
        guard let trace = try? Trace.parse(file.bytes), !trace.isPipelined, !bytesNotKept.contains(file.name) else {
            return nil
        }
        return file.name
    }

    private func trace(_ name: String) throws -> Trace {
        let file = try #require(Self.files.first { $0.name == name })
        return try Trace.parse(file.bytes)
    }

    @Test func thereAreTraces() {
        #expect(Self.playable.filter { !$0.hasPrefix("h2") }.count > 180)
        #expect(Self.playable.filter { $0.hasPrefix("h2") }.count > 30)
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

    @Test(arguments: bytesNotKept) func framesInWordsAloneAreNotPlayed(name: String) throws {
        let trace = try trace(name)
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
