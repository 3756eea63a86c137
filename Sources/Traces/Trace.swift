/// What travelled on one connection to an upstream, and the incidents that it must yield: the unit of evidence.
///
///     # Handler writes past its own Content-Length.
///     # recorded: node 20.20.2
///     # legit: no
///     > +0.0ms "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
///     < +1.2ms "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"
///     ! body_after_end proven exchange=1 surplus_bytes=6
///
/// The grammar stands in Tests/Traces/README.md. Rendering a parsed trace gives the same text again, in canonical form.
public struct Trace: Equatable, Sendable {
    /// Most bytes that a trace's pieces may hold together, repetitions included.
    public static let pieceBytesMax = 64 << 20

    /// Lines that begin with `#`, without it: the title first, then the program and the facts.
    public var comments: [String] = []
    public var pieces: [Piece] = []
    /// Lines that begin with `=`, without it: the events that a codec must report.
    public var events: [String] = []
    public var expectations: [Expectation] = []

    public init() {}

    /// What the program does, in a line.
    public var title: String { comments.first.map(Self.trimmed) ?? "" }

    /// Software that was recorded, such as `node 20.20.2`.
    public var recorded: String? { fact("recorded") }

    /// Whether the program is in the right: a legit trace yields nothing.
    public var isLegit: Bool { fact("legit") == "yes" }

    /// Whether somebody has said what it must yield. One that is not judged is only shown.
    public var isJudged: Bool { !expectations.isEmpty || fact("legit") != nil }

    /// Whether a request was sent before the answer to the one before it had ended. A proxy that never pipelines cannot meet it.
    public var isPipelined: Bool { fact("pipelined") == "yes" }

    private func fact(_ name: String) -> String? {
        for comment in comments {
            let line = Self.trimmed(comment)
            if line.hasPrefix(name + ":") { return Self.trimmed(String(line.dropFirst(name.count + 1))) }
        }
        return nil
    }

    private static func trimmed(_ text: String) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
