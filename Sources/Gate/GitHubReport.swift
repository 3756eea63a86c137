import Records

/// The verdict as workflow commands of GitHub Actions, which show it on the lines of a pull request.
public enum GitHubReport {
    public static func text(_ verdict: Verdict, folder: String) -> String {
        verdict.findings.list.flatMap { lines($0, folder) }.map { $0 + "\n" }.joined()
    }

    /// A table for the job's summary, in Markdown.
    public static func summary(_ verdict: Verdict, folder: String) -> String {
        let findings = verdict.findings
        guard !findings.list.isEmpty else { return "### SendOnce\n\nNo answer was sent twice.\n" }
        let rows = findings.list.map { finding in
            let places = [finding.firstSend, finding.secondSend].map { $0.map { "\($0.path(from: folder)):\($0.line)" } ?? "" }
            return
                "| \(finding.state.rawValue) | \(cell(finding.subject)) | \(finding.count) | \(cell(places[0])) | \(cell(places[1])) |"
        }
        return
            (["### SendOnce", "", "| | what | times | first send | second send |", "| --- | --- | --- | --- | --- |"] + rows)
            .joined(separator: "\n") + "\n"
    }

    private static func lines(_ finding: Finding, _ folder: String) -> [String] {
        guard finding.state == .new || finding.state == .suspected else { return [] }
        let level = finding.state == .new ? "error" : "warning"
        let title = "title=" + property("SendOnce: \(finding.subject)")
        let first = finding.firstSend.map { "\nThe first send: \($0.path(from: folder)):\($0.line)" } ?? ""
        let message = data((finding.message.isEmpty ? finding.subject : finding.message) + first)
        guard let second = finding.secondSend else { return ["::\(level) \(title)::\(message)"] }
        var lines = ["::\(level) \(position(second, folder)),\(title)::\(message)"]
        if let first = finding.firstSend {
            let text = data("The answer was sent here first, and again at \(second.path(from: folder)):\(second.line)")
            lines.append("::notice \(position(first, folder)),\(title)::\(text)")
        }
        return lines
    }

    private static func position(_ place: SourcePlace, _ folder: String) -> String {
        "file=\(property(place.path(from: folder))),line=\(place.line)" + (place.column.map { ",col=\($0)" } ?? "")
    }

    private static func data(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "%": text += "%25"
            case "\r": text += "%0D"
            case "\n": text += "%0A"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func property(_ text: String) -> String {
        data(text).unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case ":": text += "%3A"
            case ",": text += "%2C"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func cell(_ text: String) -> String {
        Printable.text(text).reduce(into: "") { $0 += $1 == "|" || $1 == "<" || $1 == "`" ? "\\\($1)" : String($1) }
    }
}
