import Gate
import JSON
import Testing

@Suite struct ReportTests {
    @Test(arguments: [
        ("junit=a.xml", ReportTarget.junit("a.xml")), ("sarif=a=b", .sarif("a=b")), ("json=/x", .json("/x")),
        ("github", .github),
    ]) func targets(text: String, target: ReportTarget) throws {
        #expect(try ReportTarget(text) == target)
    }

    @Test(arguments: ["", "junit", "junit=", "github=x", "xml=a", "="]) func noTargets(text: String) {
        #expect(throws: ReportTarget.Malformed.self) { try ReportTarget(text) }
    }

    @Test func junit() {
        let text = String(
            decoding: JUnitReport.bytes(
                Sample.verdict([Sample.probe(file: #"/app/<&\">.js"#), Sample.wire()]) { $0.allowed = ["second_response"] },
                folder: "/app"), as: UTF8.self)
        #expect(text.contains(#"tests="2" failures="1" errors="0" skipped="1""#))
        #expect(text.contains(#"file="&lt;&amp;&quot;&gt;.js" line="15""#))
        #expect(text.contains(#"<skipped message="allowed"/>"#))
        #expect(
            String(decoding: JUnitReport.bytes(Sample.verdict([]), folder: "/"), as: UTF8.self).contains(
                #"tests="1" failures="0""#))
    }

    @Test func sarif() throws {
        let verdict = Sample.verdict([
            Sample.probe(file: "/app/src/ä b.js"), Sample.wire("w", kind: "late_interim", certainty: "suspected", id: "z"),
        ])
        let run = try #require(
            try JSON.parse(SARIFReport.bytes(verdict, folder: "/app", version: "1.2.3"))["runs"]?.array?.first)
        let results = try #require(run["results"]?.array)
        let place = try #require(results[0]["locations"]?.array?.first?["physicalLocation"])
        #expect(
            place["artifactLocation"]?["uri"]?.string == "src/%C3%A4%20b.js" && place["region"]?["startLine"]?.integer == 15)
        #expect(results[0]["relatedLocations"]?.array?.first?["physicalLocation"]?["region"]?["startLine"]?.integer == 12)
        #expect(
            results[0]["level"]?.string == "error" && results[1]["level"]?.string == "warning" && results[1]["locations"] == nil
        )
        let rules = try #require(run["tool"]?["driver"]?["rules"]?.array)
        #expect(results[0]["ruleIndex"]?.integer.map { rules[$0]["id"]?.string } == "application_double_send")
    }

    @Test func gitHub() {
        let text = GitHubReport.text(Sample.verdict([Sample.probe(file: "/app/a,b%.js")]), folder: "/app")
        #expect(
            text == """
                ::error file=a%2Cb%25.js,line=15,col=9,title=SendOnce%3A application_double_send GET /orders/{id}::answered again%0AThe first send: a,b%25.js:12
                ::notice file=a%2Cb%25.js,line=12,col=3,title=SendOnce%3A application_double_send GET /orders/{id}::The answer was sent here first, and again at a,b%25.js:15

                """)
        #expect(
            GitHubReport.text(Sample.verdict([Sample.probe()]) { $0.allowed = ["application_double_send"] }, folder: "/")
                .isEmpty)
        #expect(
            GitHubReport.summary(Sample.verdict([Sample.probe(file: "/app/a|b.js")]), folder: "/app").contains(
                #"| a\|b.js:12 | a\|b.js:15 |"#))
    }

    @Test func json() throws {
        let json = try JSON.parse(JSONReport.bytes(Sample.verdict([Sample.probe()]), folder: "/app"))
        #expect(json["verdict"]?.string == "failed" && json["exit_code"]?.integer == 3 && json["gone"]?.array == [])
        let group = try #require(json["groups"]?.array?.first)
        #expect(group["second_send"]?["file"]?.string == "orders.js" && group["second_send"]?["line"]?.integer == 15)
        #expect(group["example"]?.string == "P" && group["state"]?.string == "new")
    }
}
