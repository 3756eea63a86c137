import Records

/// Puts records on standard output, in the form that was asked for.
struct Display {
    /// Between two drawings of the live table.
    private static let redrawNanoseconds: UInt64 = 500_000_000

    private var form: Request.Form
    private var text = IncidentText()
    private var output = Output()
    private let hasColour: Bool
    private let hasUnicode: Bool
    private var isDrawn = false
    private var drawTime: UInt64 = 0

    init(_ request: Request) {
        form = request.form
        hasColour = request.appearance.hasColour(isTerminal: output.isTerminal, request.environment)
        hasUnicode = Appearance.hasUnicode(request.environment)
    }

    private var style: Style {
        Style(hasColour: hasColour, hasUnicode: hasUnicode, width: WindowSize.now(isTerminal: output.isTerminal)?.columns)
    }

    private var isLive: Bool {
        guard case .table = form else { return false }
        return output.isTerminal
    }

    /// When the live table is to be drawn; nil without one.
    var wakeTime: UInt64? { isLive ? drawTime : nil }

    mutating func show(_ records: [Record]) throws(Output.Gone) {
        let style = style
        for record in records {
            switch form {
            case .incidents: for line in text.lines(of: record, style) { output.add(line) }
            case .lines: output.add(record.line)
            case .template(let template): output.add(template.line(for: record))
            case .table(var table):
                table.add(record)
                form = .table(table)
            }
        }
        try output.flush()
    }

    /// Draws the live table anew, on a screen of its own, when it is time.
    mutating func draw(now: UInt64) throws(Output.Gone) {
        guard isLive, now >= drawTime, case .table(let table) = form else { return }
        drawTime = now + Self.redrawNanoseconds
        let height = WindowSize.now(isTerminal: true)?.rows ?? 24
        let lines = table.lines(style, height: height, now: Tail.wallClock)
        // A line is cleared before it is written: after a full one, the cursor stands on its last letter.
        output.addRaw(isDrawn ? "\u{1B}[H" : "\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J\u{1B}[H")
        output.addRaw(lines.map { "\u{1B}[K" + $0 }.joined(separator: "\r\n") + "\u{1B}[0J")
        isDrawn = true
        try output.flush()
    }

    /// Gives the terminal back, and leaves the table on it.
    mutating func end() throws(Output.Gone) {
        if isDrawn { output.addRaw("\u{1B}[?25h\u{1B}[?1049l") }
        if case .table(let table) = form { for line in table.lines(style) { output.add(line) } }
        try output.flush()
    }
}
