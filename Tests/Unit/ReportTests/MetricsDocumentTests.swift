import Detector
import Testing

@testable import Report

/// docs/metrics.md names every metric, and of no other.
struct MetricsDocumentTests {
    private let document = fileText(
        #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 } + "/docs/metrics.md")

    /// Cells of the table rows whose first cell is a metric's name.
    private var rows: [[String]] {
        document.split(separator: "\n").filter { $0.hasPrefix("| `sendonce_") || $0.hasPrefix("| `process_") }.map { row in
            row.split(separator: "|").map { $0.filter { $0 != "`" && $0 != " " } }
        }
    }

    @Test func theTableIsTheCodes() {
        let documented = rows.map { "\($0[0]) \($0[1]) \($0[2])" }
        let coded = MetricFamily.allCases.map(\.description).map {
            "\($0.name) \($0.sort.rawValue) \($0.labels.isEmpty ? "-" : $0.labels.joined(separator: ","))"
        }
        #expect(documented == coded)
    }

    @Test func closedSetsAreListed() {
        let values =
            CloseReason.allCases.map(\.text) + RejectReason.allCases.map(\.text) + SinkLabel.allCases.map(\.rawValue)
            + SideLabel.allCases.map(\.text) + ConnectionStateLabel.allCases.map(\.text)
        for value in values { #expect(document.contains("`\(value)`"), "\(value) is not documented") }
        for bound in DurationHistogram.bounds.dropLast() { #expect(document.contains(bound)) }
    }
}
