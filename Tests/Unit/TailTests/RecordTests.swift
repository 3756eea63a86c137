import Records
import Testing

@Suite struct RecordTests {
    @Test(arguments: [
        "", "nonsense", "{}", "[]", #"{"kind":"x"}"#, #"{"time":"2026-11-22T09:15:03Z"}"#, #"{"time":"soon","kind":"x"}"#,
        #"{"time":1,"kind":"x"}"#, #" {"time":"2026-11-22T09:15:03Z","kind":"x"}"#,
        #"{"time":"2026-11-22T09:15:03Z","kind":"x"}}"#,
    ]) func isNone(line: String) {
        #expect(Record(line: Array(line.utf8)) == nil)
    }

    @Test func whatIsAbsentIsNil() {
        let record = Sample.small()
        #expect(record.count == 1 && record.severity == "" && record.firstSend == nil)
        #expect(Field.named("path").flatMap { record.text(of: $0) } == nil)
        #expect(record.group == "second_response    " && record.subject == "second_response")
    }

    @Test func groupAndSubject() {
        #expect(Sample.record().group == "k3v9d2q1" && Sample.record().subject == "second_response GET /orders/{id}")
        let older = Sample.small(
            "2026-11-22T09:15:03Z", kind: "late_interim", #""route":"r","request":{"method":"GET","path":"/a?b"}"#)
        #expect(older.group == "late_interim r GET /a?b " && older.subject == "late_interim GET /a")
    }

    @Test func heldBackOnesCount() {
        #expect(Sample.record().count == 3)
        #expect(Sample.small("2026-11-22T09:15:03Z", #""suppressed":-5"#).count == 1)
    }

    @Test(arguments: [
        ("at handler (/app/orders.js:12:9)", "/app/orders.js", 12, 9), ("    at /app/orders.js:12:9", "/app/orders.js", 12, 9),
        ("at async file:///app/o.mjs:1:2", "/app/o.mjs", 1, 2),
        ("at Layer.handle [as handle_request] (/x/layer.js:95:5)", "/x/layer.js", 95, 5),
        ("/app/a b.js:3:1", "/app/a b.js", 3, 1), ("C:\\app\\x.js:3:1", "C:\\app\\x.js", 3, 1),
    ]) func stackLines(line: String, file: String, number: Int, column: Int) throws {
        let place = try #require(SourcePlace(stackLine: line))
        #expect(place.file == file && place.line == number && place.column == column)
    }

    @Test(arguments: ["", "at <anonymous>", "Error: x", "at new Promise (<anonymous>)", "at"]) func noPlace(line: String) {
        #expect(SourcePlace(stackLine: line) == nil)
    }

    @Test func theApplicationsOwnLineIsTheGuiltyOne() {
        let stack = [
            "at ServerResponse.setHeader (node:_http_outgoing:699:11)",
            "at send (/app/node_modules/express/lib/response.js:1:2)",
            "at handler (/app/orders.js:12:9)", "at next (/app/other.js:1:1)",
        ]
        #expect(SourcePlace.guilty(in: stack)?.description == "/app/orders.js:12:9")
        #expect(SourcePlace.guilty(in: Array(stack.prefix(2)))?.short == "response.js:1")
        #expect(SourcePlace.guilty(in: Array(stack.prefix(1))) == nil)
        #expect(SourcePlace.guilty(in: stack)?.path(from: "/app") == "orders.js")
    }
}
