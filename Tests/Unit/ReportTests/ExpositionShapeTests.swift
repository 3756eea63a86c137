import Detector
import Testing

@testable import Report

/// The rules of both formats, as far as a scraper would stumble over them.
struct ExpositionShapeTests {
    private func exposition(_ format: ExpositionFormat) -> [Substring] {
        let schema = MetricsSchema(
            routes: [("a \"quoted\" \\ name\nin two lines", 0), ("b", 1)], upstreams: [("u", ["h:1"]), ("v", [])],
            listeners: ["l"])
        let metrics = Metrics(schema: schema, version: "1")
        let worker = metrics.makeCounters()
        worker.countRequest(route: 0, method: .get, status: 200)
        worker.observeResponseHeader(upstream: 1, nanoseconds: 12_345_678)
        worker.observeLag(nanoseconds: 3)
        metrics.count(fullIncident())
        let whole = text(metrics.exposition(format))
        #expect(whole.hasSuffix("\n"))
        return whole.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    }

    @Test(arguments: [ExpositionFormat.prometheus, .openMetrics])
    func everyLineIsMetadataOrASampleOfTheFamilyAbove(format: ExpositionFormat) throws {
        var lines = exposition(format)
        if format == .openMetrics { #expect(lines.removeLast() == "# EOF") }
        var family = ""
        var sort = ""
        var families: Set<String> = []
        var series: Set<String> = []
        for line in lines {
            if line.hasPrefix("# HELP ") {
                family = String(line.split(separator: " ")[2])
                #expect(families.insert(family).inserted)
            } else if line.hasPrefix("# TYPE ") {
                let parts = line.split(separator: " ")
                #expect(parts[2] == family)
                sort = String(parts[3])
                #expect(["counter", "gauge", "histogram", "info"].contains(sort))
            } else if line.hasPrefix("# UNIT ") {
                let parts = line.split(separator: " ")
                #expect(format == .openMetrics && parts[2] == family && family.hasSuffix("_" + parts[3]))
            } else {
                let sample = try Self.parse(line)
                #expect(series.insert(sample.identity).inserted, "twice: \(line)")
                #expect(Self.suffixes(sort, format).contains { family + $0 == sample.name }, "\(line)")
                #expect(Double(sample.value) != nil)
            }
        }
    }

    @Test func suffixesOfOpenMetricsAreNotPartOfFamilies() {
        for line in exposition(.openMetrics) where line.hasPrefix("# TYPE ") {
            let name = line.split(separator: " ")[2]
            #expect(!name.hasSuffix("_total") && !name.hasSuffix("_info") && !name.hasSuffix("_bucket"))
        }
    }

    private static func suffixes(_ sort: String, _ format: ExpositionFormat) -> [String] {
        switch sort {
        case "histogram": ["_bucket", "_sum", "_count"]
        case "counter": format == .openMetrics ? ["_total"] : [""]
        case "info": ["_info"]
        default: [""]
        }
    }

    private struct NotASample: Error { var line: String }

    private static func parse(_ line: Substring) throws -> (name: Substring, identity: String, value: String) {
        let name = line.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        var rest = line[name.endIndex...]
        if rest.first == "{" {
            var isQuoted = false
            var isEscaped = false
            guard
                let end = rest.firstIndex(where: { character in
                    defer { isEscaped = character == "\\" && !isEscaped }
                    if character == "\"", !isEscaped { isQuoted.toggle() }
                    return character == "}" && !isQuoted
                })
            else { throw NotASample(line: String(line)) }
            rest = rest[rest.index(after: end)...]
        }
        let identity = String(line[..<rest.startIndex])
        guard rest.first == " " else { throw NotASample(line: String(line)) }
        let value = rest.dropFirst().prefix { $0 != " " }
        let tail = rest[value.endIndex...]
        guard tail.isEmpty || tail.hasPrefix(" # {trace_id=\"") else { throw NotASample(line: String(line)) }
        return (name, identity, String(value))
    }
}
