/// YAML events -> one tree of marked nodes, within fixed limits.
struct Composer: ~Copyable {
    static let fileBytesMax = 1 << 20
    /// Nodes of the tree with every alias counted in full: what a small file can blow itself up to.
    static let nodesMax = 50_000
    static let depthMax = 32
    /// Bytes of all values after the environment was put in.
    static let textBytesMax = 4 << 20

    /// Reading cannot go on; the complaint has been noted.
    private struct Stop: Error {}

    private let parser: YAMLParser
    private let substitution: Substitution
    private var problems: ProblemLog
    /// nil: the anchor's own node is not complete yet.
    private var anchors: [String: Node?] = [:]
    private var nodes = 0
    private var textBytes = 0

    private init(_ bytes: [UInt8], environment: [String: String], problems: ProblemLog) {
        parser = YAMLParser(bytes)
        substitution = Substitution(environment: environment)
        self.problems = problems
    }

    /// The root of the only document; an empty mapping for an empty file; nil when it cannot be read to its end.
    static func compose(_ bytes: [UInt8], environment: [String: String], problems: inout ProblemLog) -> Node? {
        guard bytes.count <= fileBytesMax else {
            problems.note("the file is larger than \(Quantity.size(bytes: fileBytesMax))", at: nil)
            return nil
        }
        var composer = Composer(bytes, environment: environment, problems: problems)
        let root = try? composer.document()
        problems = composer.problems
        return root
    }

    private mutating func document() throws(Stop) -> Node {
        let start = try next()
        guard case .documentStart = start.content else { return Node(.mapping([]), at: .start) }
        let root = try node(for: try next(), depth: 1, isKey: false)
        _ = try next()
        let after = try next()
        if case .documentStart = after.content {
            throw stop("a second document: the file may hold only one", at: after.mark)
        }
        return root
    }

    private mutating func node(for event: YAMLEvent, depth: Int, isKey: Bool) throws(Stop) -> Node {
        guard depth <= Self.depthMax else { throw stop("nested deeper than \(Self.depthMax) levels", at: event.mark) }
        if let anchor = event.anchor { anchors[anchor] = .some(nil) }
        checkTag(event)
        let result: Node
        switch event.content {
        case .alias(let name): return try aliased(name, at: event.mark, depth: depth)
        case .scalar(let text, let isPlain, let width):
            try count(1, at: event.mark)
            result = try scalar(text, isPlain: isPlain, width: width, at: event.mark, isKey: isKey)
        case .sequenceStart:
            try count(1, at: event.mark)
            result = try sequence(at: event.mark, depth: depth)
        case .mappingStart:
            try count(1, at: event.mark)
            result = try mapping(at: event.mark, depth: depth)
        case .end, .documentStart, .documentEnd, .streamEnd:
            throw stop("the document ends too early", at: event.mark)
        }
        if let anchor = event.anchor { anchors[anchor] = result }
        return result
    }

    private mutating func aliased(_ name: String, at mark: Mark, depth: Int) throws(Stop) -> Node {
        guard let anchor = anchors[name] else {
            throw stop("no anchor '&\(Quoting.shown(name))' stands before this alias", at: mark)
        }
        guard let node = anchor else { throw stop("the alias '*\(Quoting.shown(name))' contains itself", at: mark) }
        guard depth + node.height - 1 <= Self.depthMax else {
            throw stop("nested deeper than \(Self.depthMax) levels", at: mark)
        }
        try count(node.count, at: mark)
        return node
    }

    private mutating func scalar(
        _ text: String, isPlain: Bool, width: Int?, at mark: Mark, isKey: Bool
    ) throws(Stop) -> Node {
        let outcome = isKey ? Substitution.Outcome(text: text) : substitution.apply(to: text)
        textBytes += outcome.text.utf8.count
        guard textBytes <= Self.textBytesMax else {
            throw stop("the values take more than \(Quantity.size(bytes: Self.textBytesMax))", at: mark)
        }
        for failure in outcome.failures {
            // The offset counts in the file too, unless line breaks or escapes made the text differ from what is written.
            let quotes = isPlain ? 0 : 2
            let isVerbatim = width == text.unicodeScalars.count + quotes
            let column = mark.column + (isVerbatim ? failure.offset + quotes / 2 : 0)
            problems.note(failure.message, at: Mark(line: mark.line, column: column))
        }
        guard outcome.failures.isEmpty else { return Node(.rejected, at: mark) }
        return Node(.scalar(.init(text: outcome.text, isPlain: isPlain, isSecret: outcome.isSecret)), at: mark)
    }

    private mutating func sequence(at mark: Mark, depth: Int) throws(Stop) -> Node {
        var items: [Node] = []
        while true {
            let event = try next()
            if case .end = event.content { return Node(.sequence(items), at: mark) }
            items.append(try node(for: event, depth: depth + 1, isKey: false))
        }
    }

    private mutating func mapping(at mark: Mark, depth: Int) throws(Stop) -> Node {
        var entries: [Node.Entry] = []
        var lines: [String: Int] = [:]
        var merges: [Node] = []
        while true {
            let event = try next()
            if case .end = event.content { break }
            let key = try node(for: event, depth: depth + 1, isKey: true)
            let value = try node(for: try next(), depth: depth + 1, isKey: false)
            guard case .scalar(let scalar) = key.content else {
                problems.note("a key must be a plain text, not \(key.description)", at: event.mark)
                continue
            }
            if scalar.text == "<<", scalar.isPlain {
                merges.append(value)
            } else if let first = lines[scalar.text] {
                problems.note("duplicate key '\(Quoting.shown(scalar.text))' (first on line \(first))", at: event.mark)
            } else {
                lines[scalar.text] = event.mark.line
                entries.append(Node.Entry(key: scalar.text, mark: event.mark, value: value))
            }
        }
        for merge in merges { append(merge, to: &entries, known: &lines) }
        return Node(.mapping(entries), at: mark)
    }

    /// YAML's merge key: `<<: *defaults` or a list of them. Keys that are written out win, then earlier mappings.
    private mutating func append(_ merge: Node, to entries: inout [Node.Entry], known: inout [String: Int]) {
        let sources: [Node] = if case .sequence(let nodes) = merge.content { nodes } else { [merge] }
        for source in sources {
            guard case .mapping(let merged) = source.content else {
                problems.note(
                    "'<<' takes a mapping or a list of mappings, found \(source.description)", at: source.mark)
                continue
            }
            for entry in merged where known[entry.key] == nil {
                known[entry.key] = entry.mark.line
                entries.append(entry)
            }
        }
    }

    /// The schema decides how a value is read: a tag could only contradict it.
    private mutating func checkTag(_ event: YAMLEvent) {
        guard let tag = event.tag, tag != "!", !tag.hasPrefix("tag:yaml.org,2002:") else { return }
        problems.note("the tag '\(Quoting.shown(tag))' has no meaning here", at: event.mark)
    }

    private mutating func count(_ added: Int, at mark: Mark) throws(Stop) {
        nodes += added
        guard nodes <= Self.nodesMax else {
            throw stop("more than \(Self.nodesMax) values (aliases counted in full)", at: mark)
        }
    }

    private mutating func next() throws(Stop) -> YAMLEvent {
        do { return try parser.next() } catch { throw stop(error.message, at: error.mark) }
    }

    private mutating func stop(_ message: String, at mark: Mark) -> Stop {
        problems.note(message, at: mark)
        return Stop()
    }
}
