import Records
import Testing

@testable import Tail

@Suite struct FilterTests {
    @Test(arguments: [
        ("kind", "Second-Response", "second_response"), ("certainty", "proven", "proven"),
        ("client_impact", "bad-gateway", "bad_gateway"),
    ]) func words(field: String, text: String, word: String) throws {
        #expect(try Filter.word(text, of: field, flag: "--x") == word)
    }

    @Test func unknownWordsAreFaults() {
        let fault = #expect(throws: UsageFault.self) { try Filter.word("provn", of: "certainty", flag: "--certainty") }
        #expect(fault?.description == "--certainty: 'provn' is no certainty (did you mean 'proven'?)")
    }

    @Test func allFlagsTogether() throws {
        let record = Sample.record()
        var filter = Filter()
        #expect(filter.admits(record) && !filter.selects)
        filter.kinds = ["second_response", "late_interim"]
        filter.certainty = "proven"
        filter.routes = ["shop"]
        filter.upstreams = ["legacy-shop"]
        filter.impact = "none"
        filter.since = Instant("2026-11-22T09:15:03Z")
        filter.until = Instant("2026-11-22T09:15:04Z")
        filter.expression = try Expression("status = 200")
        #expect(filter.admits(record) && filter.selects)
        for change: (inout Filter) throws -> Void in [
            { $0.kinds = ["late_interim"] }, { $0.certainty = "suspected" }, { $0.routes = ["api"] },
            { $0.upstreams = ["api"] },
            { $0.impact = "aborted" }, { $0.since = Instant("2026-11-22T09:15:04Z") },
            { $0.until = Instant("2026-11-22T09:15:03Z") },
            { $0.expression = try Expression("status = 201") },
        ] {
            var other = filter
            try change(&other)
            #expect(!other.admits(record))
        }
    }

    @Test(arguments: [
        ([String: String](), true, true), (["NO_COLOR": "1"], true, false), (["NO_COLOR": ""], true, true),
        (["TERM": "dumb"], true, false), ([:], false, false),
    ]) func colour(environment: [String: String], isTerminal: Bool, hasColour: Bool) {
        #expect(Appearance.auto.hasColour(isTerminal: isTerminal, environment) == hasColour)
        #expect(Appearance.always.hasColour(isTerminal: isTerminal, environment))
        #expect(!Appearance.never.hasColour(isTerminal: isTerminal, environment))
    }

    @Test(arguments: [("LANG", "en_US.UTF-8", true), ("LC_ALL", "C.utf8", true), ("LANG", "C", false), ("X", "UTF-8", false)])
    func unicode(name: String, value: String, hasUnicode: Bool) {
        #expect(Appearance.hasUnicode([name: value]) == hasUnicode)
    }
}
