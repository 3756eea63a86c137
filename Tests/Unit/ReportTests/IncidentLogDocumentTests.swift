import Detector
import Testing

@testable import Report

/// docs/incident-log.md explains every field of a record, and no other.
struct IncidentLogDocumentTests {
    private let document = fileText(
        #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 } + "/docs/incident-log.md")

    @Test func everyFieldIsExplained() {
        let fields = document.split(separator: "\n").drop { $0 != "## Field by field" }.dropFirst().prefix {
            !$0.hasPrefix("## ")
        }
        let documented = fields.filter { $0.hasPrefix("| `") }.map { row in String(row.split(separator: "`")[1]) }
        var incident = fullIncident()
        incident.application = fullSend()
        incident.capture = "01JD9000000000000000000000.trace"
        let record = IncidentRecord(policy: EvidencePolicy(sample: .escaped)).json(incident)
        #expect(documented == Self.keys(of: text(record)))
    }

    @Test func namedLimitsAreTheCodes() {
        for limit in [
            ReportLimit.textBytesMax, ReportLimit.startLineBytesMax, ReportLimit.queueRecordsMax, ReportLimit.ringIncidentsMax,
        ] {
            #expect(document.contains("\(limit)"))
        }
    }

    /// The dotted names of the values in an object, in order.
    private static func keys(of json: String) -> [String] {
        var keys: [String] = []
        var path: [String] = []
        var rest = Substring(json)
        while let character = rest.first {
            rest = rest.dropFirst()
            switch character {
            case "}": _ = path.popLast()
            case "[": rest = rest[rest.firstIndex(of: "]")!...]
            case "\"":
                let word = string(&rest)
                guard rest.first == ":" else { continue }
                rest = rest.dropFirst()
                if rest.first == "{" {
                    path.append(word)
                    rest = rest.dropFirst()
                } else {
                    keys.append((path + [word]).joined(separator: "."))
                }
            default: break
            }
        }
        return keys
    }

    private static func string(_ rest: inout Substring) -> String {
        var word = ""
        while let character = rest.popFirst(), character != "\"" {
            word.append(character)
            if character == "\\" { word.append(rest.removeFirst()) }
        }
        return word
    }
}
