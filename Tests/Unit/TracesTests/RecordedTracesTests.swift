import Detector
import RecordedTraces
import Testing
import Traces

/// The recorded traces are well-formed, speak the incident vocabulary, and agree with the documents that list them.
@Suite struct RecordedTracesTests {
    @Test(arguments: ["http1", "http2"]) func everyTraceIsCanonical(folder: String) throws {
        let files = try RecordedTraces.files(in: folder)
        #expect(files.count > 30)
        for file in files {
            let trace = try Trace.parse(file.bytes)
            #expect(trace.render() == file.bytes, "\(file.name)")
            #expect(!trace.title.isEmpty && trace.recorded != nil, "\(file.name)")
            #expect(!trace.isLegit || trace.expectations.isEmpty, "\(file.name)")
            #expect(trace.pieces.map(\.microseconds) == trace.pieces.map(\.microseconds).sorted(), "\(file.name)")
        }
    }

    @Test(arguments: ["http1", "http2"]) func incidentsSpeakTheVocabulary(folder: String) throws {
        for file in try RecordedTraces.files(in: folder) {
            for expectation in try Trace.parse(file.bytes).expectations {
                let kind = try #require(Kind(rawValue: expectation.kind), "\(file.name)")
                let certainty = try #require(Certainty(rawValue: expectation.certainty), "\(file.name)")
                #expect(kind.certainties.contains(certainty), "\(file.name)")
                #expect(expectation.surplusBytes != 0, "\(file.name)")
            }
        }
    }

    @Test func documentListsWhatTheWireCannotShow() throws {
        let silent = try ["http1", "http2"].flatMap(RecordedTraces.files(in:)).filter {
            let trace = try Trace.parse($0.bytes)
            return !trace.isLegit && trace.expectations.isEmpty
        }
        let listed = try RecordedTraces.tableNames(in: "docs/what-the-wire-cannot-show.md")
        #expect(listed.sorted() == silent.map(\.name).sorted())
    }

    @Test func readmeListsPipelinedTraces() throws {
        let pipelined = try RecordedTraces.files(in: "http1").filter { try Trace.parse($0.bytes).isPipelined }
        #expect(try RecordedTraces.tableNames(in: "Tests/Traces/README.md") == pipelined.map(\.name))
    }
}
