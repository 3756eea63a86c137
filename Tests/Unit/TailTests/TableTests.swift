import Records
import Testing

@testable import Tail

@Suite struct TableTests {
    private let style = Style(hasColour: false, hasUnicode: false, width: 80)

    @Test func countsFirstLastAndTheWorstImpact() throws {
        var table = try Table(by: "kind, route")
        for (time, kind, more) in [
            ("09:15:03", "second_response", #""route":"shop","client_impact":"none","suppressed":4"#),
            ("09:15:01", "second_response", #""route":"shop","client_impact":"misdelivered""#),
            ("09:16:00", "late_interim", #""client_impact":"aborted""#), ("09:15:30", "second_response", #""route":"shop""#),
        ] { table.add(Sample.small("2026-11-22T\(time)Z", kind: kind, more)) }
        let lines = table.lines(style)
        #expect(lines.count == 3 && lines[0].hasSuffix(" KIND            ROUTE"))
        #expect(lines[1].hasPrefix("     7 09:15:01 09:15:30 ") && lines[1].hasSuffix(" misdelivered second_response shop"))
        #expect(lines[2].hasPrefix("     1 09:16:00 09:16:00 ") && lines[2].hasSuffix(" aborted      late_interim    -"))
    }

    @Test func aGroupIsShownWithItsSubject() throws {
        var table = try Table(by: "group")
        table.add(Sample.record())
        #expect(table.lines(style)[1].hasSuffix("k3v9d2q1 second...ET /orders/{id}"))
    }

    @Test func fitsTheScreen() throws {
        var table = try Table(by: "path")
        for number in 0..<100 {
            table.add(
                Sample.small(
                    "2026-11-22T09:15:03Z", #""request":{"path":"/\#(number)/漢字\#(String(repeating: "x", count: 90))"}"#))
        }
        let lines = table.lines(style, height: 24)
        #expect(lines.count == 24 && lines[23] == "... and 78 more groups")
        #expect(lines.allSatisfy { TextWidth.of($0) <= 80 })
        #expect(table.lines(style, height: 200).count == 101 && table.lines(style).count == 101)
        #expect(table.lines(style, height: 101).count == 101 && table.lines(style, height: 100).count == 100)
    }

    @Test func groupsAreBounded() throws {
        var table = try Table(by: "path")
        for number in 0..<(Table.groupsMax + 50) {
            table.add(Sample.small("2026-11-22T09:15:03Z", #""request":{"path":"/\#(number)"}"#))
        }
        let lines = table.lines(style)
        #expect(lines.count == Table.groupsMax + 2 && lines[1].contains("    50 ") && lines[1].hasSuffix("(others)"))
    }

    @Test func daysAreShownWhereTheyDiffer() throws {
        var table = try Table(by: "kind")
        table.add(Sample.small("2026-11-22T09:15:03Z"))
        table.add(Sample.small("2026-11-24T10:00:00Z"))
        #expect(table.lines(style)[1].contains(" 2026-11-22 09:15 2026-11-24 10:00 "))
    }

    @Test func unknownFieldsAreFaults() {
        let fault = #expect(throws: UsageFault.self) { try Table(by: "kind,ruote") }
        #expect(fault?.description == "--by: unknown field 'ruote' (did you mean 'route'?)")
        #expect(throws: UsageFault.self) { try Table(by: "") }
    }

    @Test func timelinesFoldAndLoseNothing() {
        var scale = Timeline.Scale(from: Instant(microseconds: 0))
        var timeline = Timeline()
        for second in 0..<1000 {
            let instant = Instant(microseconds: Int64(second) * 1_000_000)
            for _ in 0..<scale.reach(instant) { timeline.fold() }
            timeline.add(1, at: scale.slot(instant))
        }
        #expect(scale.microseconds == 16_000_000)
        let cells = timeline.cells(8, through: scale.slot(Instant(microseconds: 999_000_000)))
        #expect(cells.reduce(0, +) == 1000 && cells.allSatisfy { (112...128).contains($0) })
    }

    @Test(arguments: [([0, 1, 2, 4, 8], " .:=#"), ([0, 0], "  "), ([5, 5], "##")]) func sparkline(counts: [Int], text: String) {
        #expect(style.sparkline(counts) == text)
    }
}
