import Records

/// What `--by` shows: records counted by some of their fields.
public struct Table: Sendable {
    /// More groups than this are counted together: a stranger chooses paths.
    static let groupsMax = 10_000

    private struct Row: Sendable {
        var values: [String]
        var count = 0
        var first: Instant
        var last: Instant
        var impact = Impact.none
        var timeline = Timeline()
    }

    private let fields: [Field]
    private var rows: [[String]: Row] = [:]
    private var scale: Timeline.Scale?
    private var latest = Instant(microseconds: 0)
    private(set) var records = 0

    /// Throws when a field is none.
    public init(by names: String) throws(UsageFault) {
        var fields: [Field] = []
        for name in names.split(separator: ",", omittingEmptySubsequences: false) {
            let name = String(name.filter { $0 != " " })
            guard let field = Field.named(name) else {
                throw UsageFault("--by: unknown field '\(Printable.text(name))'\(Field.hint(for: name))")
            }
            fields.append(field)
        }
        self.fields = fields
    }

    mutating func add(_ record: Record) {
        records += 1
        var key = fields.map { field in field.name == "group" ? record.group : record.text(of: field) ?? "-" }
        if rows[key] == nil, rows.count >= Self.groupsMax { key = fields.map { _ in "(others)" } }
        var scale = scale ?? Timeline.Scale(from: record.instant)
        for _ in 0..<scale.reach(record.instant) {
            for key in rows.keys { rows[key]?.timeline.fold() }
        }
        self.scale = scale
        latest = max(latest, record.instant)
        var row = rows[key] ?? Row(values: shown(record, key), first: record.instant, last: record.instant)
        row.count += record.count
        row.first = min(row.first, record.instant)
        row.last = max(row.last, record.instant)
        row.impact = max(row.impact, record.text("client_impact").flatMap(Impact.init) ?? .none)
        row.timeline.add(record.count, at: scale.slot(record.instant))
        rows[key] = row
    }

    /// A hash says nothing to people: what its group is about stands beside it.
    private func shown(_ record: Record, _ key: [String]) -> [String] {
        zip(fields, key).map { field, value in
            guard field.name == "group", let group = record.text("group") else { return Printable.text(value) }
            return Printable.text("\(group) \(record.subject)")
        }
    }

    /// The table's lines, at most `height` of them: the largest groups first, and how many more there are.
    func lines(_ style: Style, height: Int? = nil, now: Instant? = nil) -> [String] {
        let sorted = rows.values.sorted { ($0.count, $0.last, $1.values.joined()) > ($1.count, $1.last, $0.values.joined()) }
        let fits = height.map { max(1, sorted.count + 1 > $0 ? $0 - 2 : $0 - 1) } ?? sorted.count
        let shown = sorted.prefix(fits)
        let cells = (style.width ?? 120) >= 110 ? 24 : 8
        let isDated = shown.contains { $0.first.date != $0.last.date || $0.last.date != (now ?? latest).date }
        let head = heading(cells: cells, isDated: isDated)
        let last = scale.map { min(Timeline.slotsMax - 1, $0.slot(max(latest, now ?? latest))) } ?? 0
        var lines = [style.painted(style.cut(head + names(shown)), .bold)]
        lines += shown.map { row in
            let spark = style.sparkline(row.timeline.cells(cells, through: last))
            let numbers = "\(aligned(row.count)) \(moment(row.first, isDated)) \(moment(row.last, isDated)) "
            let impact = TextWidth.padded(row.impact.rawValue, 12)
            let values = style.cut(columns(row.values, shown), taken: TextWidth.of(head))
            return numbers + spark + " " + style.painted(impact, Self.colour(row.impact)) + " " + values
        }
        if sorted.count > shown.count { lines.append(style.cut("\(style.gap) and \(sorted.count - shown.count) more groups")) }
        return lines
    }

    private func heading(cells: Int, isDated: Bool) -> String {
        let moment = isDated ? 16 : 8
        return " COUNT " + TextWidth.padded("FIRST", moment) + " " + TextWidth.padded("LAST", moment) + " "
            + TextWidth.padded("RATE", cells) + " " + TextWidth.padded("IMPACT", 12) + " "
    }

    private func names(_ rows: ArraySlice<Row>) -> String { columns(fields.map { $0.name.uppercased() }, rows) }

    /// Values in columns as wide as the widest of them; the last one ends where it ends.
    private func columns(_ values: [String], _ rows: ArraySlice<Row>) -> String {
        values.indices.map { column in
            guard column < values.count - 1 else { return values[column] }
            let widest = rows.map { TextWidth.of($0.values[column]) } + [TextWidth.of(fields[column].name)]
            return TextWidth.padded(values[column], widest.max() ?? 0)
        }.joined(separator: " ")
    }

    private func aligned(_ count: Int) -> String {
        let digits = String(count)
        return String(repeating: " ", count: max(0, 6 - digits.count)) + digits
    }

    private func moment(_ instant: Instant, _ isDated: Bool) -> String {
        isDated ? "\(instant.date) \(instant.clock.prefix(5))" : instant.clock
    }

    private static func colour(_ impact: Impact) -> Style.Colour? {
        switch impact {
        case .none: nil
        case .badGateway, .aborted: .yellow
        case .misdelivered: .red
        }
    }
}
