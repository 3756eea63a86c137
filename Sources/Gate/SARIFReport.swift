import Detector
import Explanations
import Records
import Report

/// The verdict as SARIF 2.1.0: a result a group, on the line of the second send, the first one related.
public enum SARIFReport {
    private static let root = "SRCROOT"

    public static func bytes(_ verdict: Verdict, folder: String, version: String) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.string("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
            json.string("version", "2.1.0")
            json.objects("runs", [verdict]) { json, verdict in
                json.object("tool") { $0.object("driver") { driver(&$0, version) } }
                json.object("originalUriBaseIds") { json in
                    json.object(root) { $0.string("uri", "file://\(encoded(folder.hasSuffix("/") ? folder : folder + "/"))") }
                }
                json.objects("invocations", [verdict]) { json, verdict in
                    json.bool("executionSuccessful", true)
                    json.number("exitCode", Int(verdict.exitCode))
                }
                json.objects("results", verdict.findings.list) { result(&$0, $1, folder) }
            }
        }
        return json.bytes + [0x0A]
    }

    private static func driver(_ json: inout JSONText, _ version: String) {
        json.string("name", "SendOnce")
        json.string("semanticVersion", version)
        json.objects("rules", Kind.allCases) { json, kind in
            let explanation = Explanation.of(kind)
            json.string("id", kind.rawValue)
            json.object("shortDescription") { $0.string("text", explanation.summary) }
            json.object("fullDescription") { $0.string("text", explanation.wire.joined(separator: " ")) }
            json.object("help") { $0.string("text", explanation.practices.joined(separator: "\n")) }
        }
    }

    private static func result(_ json: inout JSONText, _ finding: Finding, _ folder: String) {
        json.string("ruleId", finding.kind)
        json.number("ruleIndex", Kind.allCases.firstIndex { $0.rawValue == finding.kind })
        json.string("level", level(finding.state))
        json.object("message") { $0.string("text", finding.message.isEmpty ? finding.subject : finding.message) }
        if let second = finding.secondSend {
            json.objects("locations", [second]) { location(&$0, $1, folder) }
        }
        if let first = finding.firstSend {
            json.objects("relatedLocations", [first]) { json, place in
                json.number("id", 1)
                location(&json, place, folder)
                json.object("message") { $0.string("text", "The first send") }
            }
        }
        json.object("partialFingerprints") { $0.string("sendonceGroup/v1", finding.group) }
        json.number("occurrenceCount", finding.count)
        json.string("baselineState", finding.state == .known ? "unchanged" : "new")
        if finding.state == .allowed || finding.state == .known {
            json.objects("suppressions", [finding]) { json, finding in
                json.string("kind", "external")
                json.string("justification", finding.state == .known ? "in the baseline" : "its kind is allowed")
            }
        }
    }

    private static func level(_ state: Finding.State) -> String {
        switch state {
        case .new: "error"
        case .suspected: "warning"
        case .known, .allowed: "note"
        }
    }

    private static func location(_ json: inout JSONText, _ place: SourcePlace, _ folder: String) {
        let path = place.path(from: folder)
        json.object("physicalLocation") { json in
            json.object("artifactLocation") { json in
                json.string("uri", path.hasPrefix("/") ? "file://\(encoded(path))" : encoded(path))
                if !path.hasPrefix("/") { json.string("uriBaseId", root) }
            }
            json.object("region") { json in
                json.number("startLine", max(1, place.line))
                json.number("startColumn", place.column.map { max(1, $0) })
            }
        }
    }

    /// A path as a URI has it (RFC 3986 section 3.3).
    private static func encoded(_ path: String) -> String {
        let hex = Array("0123456789ABCDEF")
        return path.utf8.reduce(into: "") { text, byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x2F, 0x5F, 0x7E:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%\(hex[Int(byte >> 4)])\(hex[Int(byte & 15)])"
            }
        }
    }
}
