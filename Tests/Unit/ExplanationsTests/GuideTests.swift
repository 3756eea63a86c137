import Detector
import Testing

@testable import Explanations

@Suite struct GuideTests {
    @Test(arguments: Kind.allCases) func everyPartIsWritten(kind: Kind) {
        let explanation = Explanation.of(kind)
        #expect(explanation.kind == kind)
        let texts =
            [explanation.title, explanation.summary, explanation.client, explanation.example.outcome]
            + [explanation.policies.observe, explanation.policies.contain, explanation.policies.fail]
            + explanation.wire + explanation.causes + explanation.practices + explanation.benign
        #expect(texts.allSatisfy { !$0.isEmpty && !$0.contains("\n") && !$0.contains("  ") })
        #expect(texts.allSatisfy { $0.unicodeScalars.allSatisfy(\.isASCII) })
        #expect(texts.allSatisfy { text in text.count(where: { $0 == "`" }) % 2 == 0 })
        let lists = [explanation.wire, explanation.causes, explanation.practices, explanation.benign]
        #expect(lists.allSatisfy { !$0.isEmpty })
        #expect(explanation.example.before.contains("listen(3000)"))
        #expect(explanation.example.after.contains("listen(3000)"))
        #expect(explanation.example.before != explanation.example.after)
        #expect(!explanation.related.isEmpty && !explanation.related.contains(kind))
    }

    @Test func terminalTextFitsEightyColumns() throws {
        for text in [Guide.overview] + Kind.allCases.map(Guide.text(of:)) {
            let tooLong = text.split(separator: "\n").filter { $0.count > 80 }
            #expect(tooLong.isEmpty)
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && $0.value < 0x7F) })
            #expect(text.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
        }
    }

    @Test func overviewNamesEveryKind() {
        let lines = Guide.overview.split(separator: "\n")
        for kind in Kind.allCases {
            #expect(lines.contains { $0.hasPrefix("  \(kind.rawValue) ") })
        }
    }

    @Test func namesAreForgiving() throws {
        #expect(try Guide.text(named: "Second-Response") == Guide.text(of: .secondResponse))
        #expect(try Guide.text(named: "ERR_HTTP_HEADERS_SENT") == Guide.overview)
    }

    @Test(arguments: [
        ("second_respons", Kind.secondResponse), ("stalled", .stalledResponse), ("hangup", .hangupAfterEnd),
        ("header_block", .headerBlockInBody), ("duplicate_fields", .duplicateField), ("late_interrim", .lateInterim),
    ])
    func unknownNamesGetASuggestion(name: String, meant: Kind) throws {
        let error = try #require(throws: UnknownKind.self) { try Guide.text(named: name) }
        #expect(error.suggestion == meant)
        #expect(error.description == "unknown kind '\(name)': did you mean '\(meant.rawValue)'?")
    }

    @Test(arguments: ["", "x", "teapot", "second_response_second_response_second_response_second_response_x"])
    func farNamesGetNone(name: String) throws {
        let error = try #require(throws: UnknownKind.self) { try Guide.text(named: name) }
        #expect(error.suggestion == nil)
    }
}
