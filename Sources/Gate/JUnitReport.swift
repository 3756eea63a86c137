import Records

/// The verdict as JUnit's XML: a test case a group, and one for all where there is none.
public enum JUnitReport {
    public static func bytes(_ verdict: Verdict, folder: String) -> [UInt8] {
        let findings = verdict.findings
        let cases = findings.list.isEmpty ? [passed] : findings.list.map { testCase($0, folder) }
        let failures = findings.count(.new)
        let skipped = findings.list.count - failures
        let counts = "tests=\"\(cases.count)\" failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\""
        let lines =
            ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<testsuites name=\"sendonce gate\" \(counts)>"]
            + ["  <testsuite name=\"sendonce gate\" \(counts)>"] + cases + ["  </testsuite>", "</testsuites>"]
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private static let passed = "    <testcase classname=\"sendonce\" name=\"every request is answered once\"/>"

    private static func testCase(_ finding: Finding, _ folder: String) -> String {
        let place = finding.secondSend.map { place in
            " file=\"\(XMLText.escaped(place.path(from: folder)))\" line=\"\(place.line)\""
        }
        let head =
            "    <testcase classname=\"sendonce.\(XMLText.escaped(finding.kind))\" "
            + "name=\"\(XMLText.escaped("\(finding.subject) [\(finding.group)]"))\"\(place ?? "")>"
        return "\(head)\n      \(outcome(finding, folder))\n    </testcase>"
    }

    private static func outcome(_ finding: Finding, _ folder: String) -> String {
        guard finding.state == .new else {
            let why = finding.state == .known ? "in the baseline" : finding.state.rawValue
            return "<skipped message=\"\(why)\"/>"
        }
        let details = [("second send", finding.secondSend), ("first send", finding.firstSend)]
            .compactMap { name, place in place.map { "\(name): \($0.path(from: folder)):\($0.line)" } }
        let text = ([finding.message] + details + ["\(finding.count) incidents"]).joined(separator: "\n")
        return "<failure type=\"\(XMLText.escaped(finding.kind))\" message=\"\(XMLText.escaped(finding.message))\">"
            + "\(XMLText.escaped(text))</failure>"
    }
}
