import Testing

@testable import Configuration

@Suite struct YAMLTests {
    @Test func anchorsAndMergeKeys() throws {
        let yaml = """
            upstreams:
              a: &a {servers: [127.0.0.1:1], retry: &retry {attempts: 3}, balance: random_two}
              b: {<<: *a, servers: [127.0.0.1:2]}
              c: {<<: [{balance: round_robin}, *a]}
              d: {servers: [127.0.0.1:4], retry: *retry}
            routes: [{upstream: a}, {upstream: b}, {upstream: c}, {upstream: d}]
            """
        let upstreams = try decoded(yaml).upstreams
        #expect(upstreams.map(\.retry.attempts) == [3, 3, 3, 3])
        #expect(upstreams.map(\.balance) == [.randomTwo, .randomTwo, .roundRobin, .leastConnections])
        #expect(upstreams[1].servers.map(\.address) == [.tcp(host: "127.0.0.1", port: 2)])
    }

    @Test(arguments: [
        (
            "a: [",
            "a.yaml:2:1: not valid YAML: did not find expected node content while parsing a flow node (from line 2)"
        ),
        ("a: b: c", "a.yaml:1:5: not valid YAML: mapping values are not allowed in this context"),
        ("a: 1\n---\nb: 2", "a.yaml:2:1: a second document: the file may hold only one"),
        ("admin: *nowhere", "a.yaml:1:8: no anchor '&nowhere' stands before this alias"),
        ("admin: &a {address: *a}", "a.yaml:1:21: the alias '*a' contains itself"),
        ("limits:\n  {a: 1\u{7}}", "a.yaml:2:8: not valid text: control characters are not allowed"),
    ])
    func stopsAtBrokenText(yaml: String, problem: String) { #expect(problems(yaml).first == problem) }

    @Test func invalidUTF8HasAPosition() {
        let bytes = Array("admin: 1\nlimits: \u{E9}x".utf8) + [0xFF]
        #expect(throws: Problems.self) { try Settings.decode(bytes, file: "a.yaml") }
        do { _ = try Settings.decode(bytes, file: "a.yaml") } catch { #expect(error.all.map(\.line) == [2]) }
        do { _ = try Settings.decode(bytes, file: "a.yaml") } catch { #expect(error.all.map(\.column) == [11]) }
    }

    @Test(arguments: [
        (upstream + "limits: {streams: 1, streams: 2}", "a.yaml:2:22: duplicate key 'streams' (first on line 2)"),
        (upstream + "limits: {streams: !mine 5}", "a.yaml:2:19: the tag '!mine' has no meaning here"),
        (upstream + "limits: {[a]: 5}", "a.yaml:2:10: a key must be a plain text, not a list"),
        (upstream + "limits: {<<: 5}", "a.yaml:2:14: '<<' takes a mapping or a list of mappings, found '5'"),
    ])
    func complainsAndGoesOn(yaml: String, problem: String) { #expect(problems(yaml) == [problem]) }

    @Test func aliasesCannotMultiply() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            yaml += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        #expect(problems(yaml) == ["a.yaml:5:35: more than 50000 values (aliases counted in full)"])
    }

    @Test func depthIsLimited() {
        let flow = String(repeating: "[", count: 40)
        #expect(problems("a: \(flow)").first == "a.yaml:1:35: nested deeper than 32 levels")
        var yaml = "a0: &a0 [x]\n"
        for level in 1...40 { yaml += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        #expect(problems(yaml).first?.hasSuffix("nested deeper than 32 levels") == true)
        #expect(!problems(String(repeating: "[", count: 500_000)).isEmpty)
        #expect(!problems(String(repeating: "- ", count: 500_000)).isEmpty)
    }

    @Test func sizesAreLimited() {
        #expect(problems(String(repeating: "#", count: 1 << 20) + "\n") == ["a.yaml: the file is larger than 1MiB"])
        let long = ["BIG": String(repeating: "x", count: 1 << 20)]
        #expect(
            problems("a: ['${BIG}${BIG}${BIG}', '${BIG}${BIG}']", environment: long) == [
                "a.yaml:1:27: the values take more than 4MiB"
            ])
    }

    @Test func problemsAreLimited() {
        let keys = (0..<150).map { "zz\($0): 1\n" }.joined()
        do {
            _ = try Settings.decode(Array((upstream + keys).utf8), file: "a.yaml")
            Issue.record("accepted")
        } catch {
            #expect(error.all.count == Problems.countMax)
            #expect(error.dropped == 50)
            #expect(error.description.hasSuffix("\nand 50 more problems"))
        }
    }
}
