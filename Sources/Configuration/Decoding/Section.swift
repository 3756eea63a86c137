/// The table of keys that a mapping may hold. Reading, spelling hints, the dump and the documentation all come from it.
struct Section<Owner: Sendable>: Sendable {
    typealias Check = @Sendable (inout Owner, Node, inout Decoder) -> Void

    /// The heading in the documentation, such as `upstreams.NAME.connections`.
    let title: String
    /// The value of a section of which no key is given.
    let initial: Owner
    /// The value of a section that is `null`.
    let whenNull: Owner
    /// The key that a lone scalar stands for, as in `servers: [127.0.0.1:3000]`.
    let shorthand: String?
    let keys: [Key<Owner>]
    /// Looks at the keys together, once each has been read.
    let check: Check

    init(
        _ title: String, _ initial: Owner, whenNull: Owner? = nil, shorthand: String? = nil, keys: [Key<Owner>],
        check: @escaping Check = { _, _, _ in }
    ) {
        self.title = title
        self.initial = initial
        self.whenNull = whenNull ?? initial
        self.shorthand = shorthand
        self.keys = keys
        self.check = check
    }

    func read(_ node: Node, _ decoder: inout Decoder) -> Owner? {
        guard let entries = entries(of: node, &decoder) else { return nil }
        var owner = node.isNull ? whenNull : initial
        var missing = keys.filter(\.isRequired).map(\.name)
        for entry in entries {
            missing.removeAll { $0 == entry.key }
            if let key = keys.first(where: { $0.name == entry.key }) {
                decoder.read(entry.value, at: entry.key) { key.read(entry.value, &owner, &$0) }
            } else {
                decoder.fail(unknown(entry.key), at: entry.mark)
            }
        }
        for name in missing { decoder.fail("the key '\(name)' is missing", at: node.mark) }
        check(&owner, node, &decoder)
        return owner
    }

    func show(_ owner: Owner) -> JSONValue { .object(keys.map { ($0.name, $0.show(owner)) }) }

    private func entries(of node: Node, _ decoder: inout Decoder) -> [Node.Entry]? {
        if node.isNull { return [] }
        switch node.content {
        case .mapping(let entries): return entries
        case .scalar:
            if let shorthand { return [Node.Entry(key: shorthand, mark: node.mark, value: node)] }
            fallthrough
        case .sequence, .rejected:
            decoder.fail(expected: "a mapping with keys such as '\(keys.first?.name ?? "")'", found: node)
            return nil
        }
    }

    private func unknown(_ key: String) -> String {
        let names = keys.map(\.name)
        let hint = Spelling.hint(for: key, among: names)
        return "unknown key '\(Quoting.shown(key))'"
            + (hint.isEmpty ? " (valid here: \(names.joined(separator: ", ")))" : hint)
    }
}
