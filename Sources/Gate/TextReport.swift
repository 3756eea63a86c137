import Detector
import Explanations
import Records

/// What the gate says on the terminal: the groups, those that close it first.
public struct TextReport {
    private let folder: String
    private let hasColour: Bool

    /// Files within `folder` are named from there.
    public init(folder: String, hasColour: Bool) {
        self.folder = folder
        self.hasColour = hasColour
    }

    public func text(_ verdict: Verdict) -> String {
        let findings = verdict.findings
        let order: [Finding.State] = [.new, .suspected, .known, .allowed]
        let sorted = order.flatMap { state in findings.list.filter { $0.state == state } }
        var lines = [headline(findings)]
        for finding in sorted { lines += [""] + self.lines(finding) }
        if !findings.gone.isEmpty {
            lines += ["", "Gone from the baseline (--update-baseline takes them out):"]
            lines += findings.gone.map { "  [\($0.group)] \(Printable.text($0.subject))" }
        }
        if verdict.commandStatus != 0 {
            lines += ["", "The command failed with status \(verdict.commandStatus), and so does the gate."]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func headline(_ findings: Findings) -> String {
        guard !findings.list.isEmpty else { return "sendonce gate: no answer was sent twice" }
        let counts = [
            ("new", Finding.State.new), ("suspected", .suspected), ("in the baseline", .known), ("allowed", .allowed),
        ]
        .compactMap { word, state in findings.count(state) > 0 ? "\(findings.count(state)) \(word)" : nil }
        let groups = findings.list.count == 1 ? "1 group" : "\(findings.list.count) groups"
        return "sendonce gate: \(groups) of incidents: \(counts.joined(separator: ", "))"
    }

    private func lines(_ finding: Finding) -> [String] {
        let times = finding.count == 1 ? "once" : "\(finding.count) times"
        let label = finding.state == .known ? "in the baseline" : finding.state.rawValue
        var lines = [
            painted("\(label): \(Printable.text(finding.subject))", finding.state)
                + "  \(finding.certainty), \(times)  [\(finding.group)]"
        ]
        guard finding.state == .new || finding.state == .suspected else { return lines }
        if let second = finding.secondSend {
            lines.append("    second send  \(place(second))" + (finding.operation.map { "  (\($0))" } ?? ""))
        }
        if let first = finding.firstSend { lines.append("    first send   \(place(first))") }
        if !finding.message.isEmpty { lines.append("    \(finding.message)") }
        if let kind = Kind(rawValue: finding.kind) {
            lines.append("    \(Explanation.of(kind).remedy) (sendonce explain \(kind.rawValue))")
        }
        return lines
    }

    private func place(_ place: SourcePlace) -> String {
        Printable.text("\(place.path(from: folder)):\(place.line)" + (place.column.map { ":\($0)" } ?? ""))
    }

    private func painted(_ text: String, _ state: Finding.State) -> String {
        guard hasColour else { return text }
        return "\u{1B}[\(state == .new ? "31" : state == .suspected ? "33" : "2")m\(text)\u{1B}[0m"
    }
}
