import Testing

@testable import Report

/// The rules of templates and groups, held to the same table as the probe's.
struct PathTemplateTests {
    private let rows = fileText(#filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/templates.tsv")
        .split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }

    @Test func everyRow() {
        #expect(rows.count > 30)
        for row in rows {
            switch row[0] {
            case "path": #expect(PathTemplate.ofPath(row[1]) == row[2], "\(row[1])")
            case "route": #expect(PathTemplate.ofRoute(row[1]) == row[2], "\(row[1])")
            default:
                let parts = row[1].split(separator: "|").map(String.init)
                #expect(
                    IncidentGroup.of(
                        kind: parts[0], route: parts[1], method: parts[2], template: parts[3], secondStatus: Int(parts[4])!)
                        == row[2])
            }
        }
    }

    @Test func anyTextIsSafe() {
        for byte in UInt8.min...UInt8.max {
            let text = String(decoding: [0x2f, byte, 0x3a, byte, 0x28, byte, 0x37], as: UTF8.self)
            _ = PathTemplate.ofPath(text)
            _ = PathTemplate.ofRoute(text)
        }
        #expect(PathTemplate.ofRoute(":") == ":")
        #expect(PathTemplate.ofRoute(":a(") == "{a}(")
    }
}
