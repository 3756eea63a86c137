/// One key of a section: its name, its format, the field it sets, and what it means.
struct Key<Owner: Sendable>: Sendable {
    let name: String
    let type: String
    let meaning: String
    let isRequired: Bool
    /// For the documentation, when the default is not simply the field's first value.
    let defaultNote: String?
    let read: @Sendable (Node, inout Owner, inout Decoder) -> Void
    let show: @Sendable (Owner) -> JSONValue
    let tables: @Sendable () -> [KeyTable]

    init<Value>(
        _ name: String, _ field: any WritableKeyPath<Owner, Value> & Sendable, _ format: Format<Value>,
        required: Bool = false, default defaultNote: String? = nil, _ meaning: String
    ) {
        self.name = name
        type = format.type
        self.meaning = meaning
        isRequired = required
        self.defaultNote = defaultNote
        read = { node, owner, decoder in
            if let value = format.read(node, &decoder) { owner[keyPath: field] = value }
        }
        show = { format.show($0[keyPath: field]) }
        tables = format.tables
    }
}
