/// A value of the YAML file with its position, aliases resolved and environment variables put in.
struct Node: Sendable {
    enum Content: Sendable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Entry])
        /// Something that has been complained about already: whoever reads it stays silent.
        case rejected
    }

    struct Scalar: Sendable {
        let text: String
        /// Written without quotes, so that `null` means null.
        let isPlain: Bool
        /// Holds the value of an environment variable whose name looks secret.
        let isSecret: Bool
    }

    struct Entry: Sendable {
        let key: String
        let mark: Mark
        let value: Node
    }

    let mark: Mark
    let content: Content
    /// Nodes in this tree, itself included and each alias counted in full.
    let count: Int
    /// Levels of this tree; 1 for a scalar.
    let height: Int

    init(_ content: Content, at mark: Mark) {
        self.mark = mark
        self.content = content
        switch content {
        case .scalar, .rejected: (count, height) = (1, 1)
        case .sequence(let nodes):
            count = nodes.reduce(1) { $0 + $1.count }
            height = 1 + (nodes.lazy.map(\.height).max() ?? 0)
        case .mapping(let entries):
            count = entries.reduce(1) { $0 + 1 + $1.value.count }
            height = 1 + (entries.lazy.map(\.value.height).max() ?? 0)
        }
    }

    var isNull: Bool {
        guard case .scalar(let scalar) = content, scalar.isPlain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.text)
    }

    /// For messages: `'5 sec'`, `a list`.
    var description: String {
        switch content {
        case _ where isNull: "nothing"
        case .scalar(let scalar): scalar.isSecret ? "a secret value" : "'\(Quoting.shown(scalar.text))'"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .rejected: "a bad value"
        }
    }
}
