import Records
import Report

/// The verdict as one JSON object, for programs of one's own.
public enum JSONReport {
    static let schema = 1

    public static func bytes(_ verdict: Verdict, folder: String) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.number("schema", schema)
            json.string("verdict", verdict.word)
            json.number("exit_code", Int(verdict.exitCode))
            json.number("command_status", Int(verdict.commandStatus))
            json.objects("groups", verdict.findings.list) { json, finding in
                json.string("group", finding.group)
                json.string("state", finding.state.rawValue)
                json.string("kind", finding.kind)
                json.string("certainty", finding.certainty)
                json.string("subject", finding.subject)
                json.number("count", finding.count)
                json.string("message", finding.message)
                json.string("example", finding.example.text("id"))
                place("first_send", finding.firstSend, folder, &json)
                place("second_send", finding.secondSend, folder, &json)
            }
            json.objects("gone", verdict.findings.gone) { json, entry in
                json.string("group", entry.group)
                json.string("subject", entry.subject)
            }
        }
        return json.bytes + [0x0A]
    }

    private static func place(_ key: String, _ place: SourcePlace?, _ folder: String, _ json: inout JSONText) {
        guard let place else { return }
        json.object(key) { json in
            json.string("file", place.path(from: folder))
            json.number("line", place.line)
            json.number("column", place.column)
        }
    }
}
