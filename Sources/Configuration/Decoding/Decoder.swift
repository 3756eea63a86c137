/// The state of turning nodes into settings: where it is, what it has seen, what was wrong.
struct Decoder {
    private(set) var problems: ProblemLog
    /// Where the values that came from secret environment variables stand.
    private(set) var secrets: Set<Place> = []
    private var place = Place()
    private var marks: [Place: Mark] = [:]
    /// The flag whose value is being read; such a value has no position.
    private var flag: String?

    var positions: Positions { Positions(file: problems.file, marks: marks) }

    init(problems: ProblemLog) { self.problems = problems }

    mutating func fail(_ message: String, at mark: Mark?) {
        problems.note(message, at: flag == nil ? mark : nil, flag: flag)
    }

    /// A problem with a value that the command line gave.
    mutating func fail(_ message: String, flag: String) { problems.note(message, at: nil, flag: flag) }

    /// Notes that the node is not what its place needs; silent when the node was complained about before.
    mutating func fail(expected: String, found node: Node) {
        if case .rejected = node.content { return }
        fail("expected \(expected), found \(node.description)", at: node.mark)
    }

    /// Reads something one step further down.
    mutating func read<Value>(_ node: Node, at step: String, with body: (inout Decoder) -> Value) -> Value {
        let outer = place
        place = place.appending(step)
        defer { place = outer }
        marks[place] = node.mark
        if case .scalar(let scalar) = node.content, scalar.isSecret { secrets.insert(place) }
        return body(&self)
    }

    /// Reads the value of a flag of the command line.
    mutating func read<Value>(_ text: String, as format: Format<Value>, flag: String) -> Value? {
        self.flag = flag
        defer { self.flag = nil }
        return format.read(Node(.scalar(.init(text: text, isPlain: true, isSecret: false)), at: .start), &self)
    }

    /// The position of a value below the present place; nil when the file does not give it.
    func mark(of steps: String...) -> Mark? {
        marks[steps.reduce(place) { $0.appending($1) }]
    }

    /// A value that the command line replaced: the positions and secrets there say nothing any more.
    mutating func forget(_ steps: String...) {
        marks = marks.filter { !$0.key.starts(with: steps) }
        secrets = secrets.filter { !$0.starts(with: steps) }
    }
}
