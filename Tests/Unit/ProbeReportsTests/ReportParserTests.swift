import Report
import Testing

@testable import ProbeReports

struct ReportParserTests {
    private let line = #"""
        {"schema":1,"id":"r1","kind":"application_double_send","certainty":"proven","message":"m","protocol":"http/1.1",
        "request":{"id":"q1","method":"GET","path":"/orders/7","host":"a"},"response":{"status":200},
        "evidence":{"phase":"after_end","second_status":500},"echo":"abc10007ffff123456789abcdeadbeef",
        "application":{"code":"ERR_HTTP_HEADERS_SENT","outcome":"thrown","operation":"setHeader","field":"x","route":"/orders/:id",
        "between_ms":1.5,"first":["at a.js:1"],"second":["at a.js:2"],"node":"v20","pid":7}}
        """#

    @Test func aReport() throws {
        let report = try #require(ReportParser.parse(line.utf8))
        #expect(report.request?.id == "q1")
        #expect(report.status == 200)
        #expect(report.secondStatus == 500)
        #expect(report.mark?.ordinal == 0xdead_beef)
        #expect(report.application?.first == ["at a.js:1"])
        #expect(report.application?.betweenMilliseconds == 1.5)
    }

    @Test func aCorrection() throws {
        let report = try #require(ReportParser.parse(#"{"schema":1,"id":"r1","application":{"outcome":"crashed"}}"#.utf8))
        #expect(report.application == nil)
        #expect(report.correctedOutcome == "crashed")
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"schema":2,"id":"r1","application":{"outcome":"thrown"}}"#,
        #"{"schema":1,"id":"","application":{"outcome":"thrown"}}"#, #"{"schema":1,"id":"r1","application":{"outcome":"odd"}}"#,
        #"{"schema":1,"id":"r1","kind":"second_response","application":{"outcome":"thrown","operation":"end"}}"#,
    ])
    func whatIsNone(text: String) { #expect(ReportParser.parse(text.utf8) == nil) }

    @Test func everythingIsBounded() throws {
        let long = String(repeating: "x", count: 5000)
        let frames = Array(repeating: "\"\(long.prefix(600))\"", count: 40).joined(separator: ",")
        let text =
            #"{"schema":1,"id":"r1","kind":"application_double_send","message":"\#(long)","request":{"method":"GET","path":"\#(long)"},"#
            + #""application":{"outcome":"thrown","operation":"end","first":[\#(frames)],"bytes":-1,"pid":-7}}"#
        let report = try #require(ReportParser.parse(text.utf8))
        #expect(report.application?.first.count == ReportParser.framesMax)
        #expect(report.application?.first.first?.utf8.count == ReportParser.frameMax)
        #expect(report.request?.path.utf8.count == ReportParser.textMax)
        #expect(report.application?.bytes == nil)
        #expect(report.application?.pid == nil)
    }

    @Test func linesCutAnywhereAreTheSame() {
        let bytes = Array("one\n\ntwo\nthr".utf8)
        for cut in 0...bytes.count {
            var lines = ReportLines()
            let found = lines.receive(bytes[..<cut]) + lines.receive(bytes[cut...]) + lines.receive(Array("ee\n".utf8)[...])
            #expect(found.map { String(decoding: $0, as: UTF8.self) } == ["one", "two", "three"])
        }
    }

    @Test func aLineThatIsTooLongIsPassedOver() {
        var lines = ReportLines()
        let piece = [UInt8](repeating: 0x78, count: 40_000)
        #expect(lines.receive(piece[...]).isEmpty)
        #expect(lines.receive(piece[...]).isEmpty)
        #expect(lines.receive(piece[...]).isEmpty)
        #expect(lines.receive(Array("\nnext\n".utf8)[...]).map { String(decoding: $0, as: UTF8.self) } == ["next"])
        #expect(lines.tooLong == 1)
    }
}
