extension Format {
    /// The same value, or `null`.
    static func optional<Wrapped>(_ format: Format<Wrapped>) -> Format where Value == Wrapped? {
        Format(
            type: "\(format.type) or `null`",
            read: { node, decoder in
                if node.isNull { return .some(nil) }
                if case .scalar(let scalar) = node.content, Intent.isOff(scalar.text) {
                    // Unless it means something here.
                    var attempt = decoder
                    guard let value = format.read(node, &attempt) else {
                        decoder.fail("expected \(format.word), found \(node.description)\(Intent.hint("null"))", at: node.mark)
                        return nil
                    }
                    decoder = attempt
                    return .some(value)
                }
                return format.read(node, &decoder).map { .some($0) }
            }, show: { $0.map(format.show) ?? .null }, tables: format.tables)
    }

    /// A list; `null` is an empty one. Items that cannot be read are left out.
    static func list<Item: Sendable>(of format: Format<Item>, type: String? = nil) -> Format where Value == [Item] {
        Format(
            type: type ?? "list of \(format.type)",
            read: { node, decoder in
                if node.isNull { return [] }
                guard case .sequence(let nodes) = node.content else {
                    decoder.fail(expected: "a list", found: node)
                    return nil
                }
                var items: [Item] = []
                for (index, item) in nodes.enumerated() {
                    if let value = decoder.read(item, at: "\(index)", with: { format.read(item, &$0) }) {
                        items.append(value)
                    }
                }
                return items
            }, show: { .list($0.map(format.show)) }, tables: format.tables)
    }

    /// A mapping with a fixed set of keys; `null` leaves all of them at their defaults.
    static func section(_ section: Section<Value>) -> Format {
        Format(
            type: "[section](#\(section.anchor))",
            read: { node, decoder in section.read(node, &decoder) }, show: { section.show($0) },
            tables: { section.tables })
    }

    /// A list of sections. An item that cannot be read is kept with its defaults, so that positions in the list stay true.
    static func sections<Owner>(_ section: Section<Owner>) -> Format where Value == [Owner] {
        let item = Format<Owner>(
            type: "", read: { section.read($0, &$1) ?? section.initial }, show: { section.show($0) },
            tables: { section.tables })
        return list(of: item, type: "list of [sections](#\(section.anchor))")
    }

    /// A mapping from names to sections, in the order of the file.
    static func named<Owner>(
        _ section: Section<Owner>, by name: any WritableKeyPath<Owner, String> & Sendable
    ) -> Format where Value == [Owner] {
        Format(
            type: "names with a [section](#\(section.anchor)) each",
            read: { node, decoder in
                members(of: node, &decoder) { entry, decoder in
                    let key = Node(.scalar(.init(text: entry.key, isPlain: true, isSecret: false)), at: entry.mark)
                    _ = Format<String>.name.read(key, &decoder)
                    var owner = section.read(entry.value, &decoder) ?? section.initial
                    owner[keyPath: name] = entry.key
                    return owner
                }
            },
            show: { owners in .object(owners.map { ($0[keyPath: name], section.show($0)) }) },
            tables: { section.tables })
    }

    /// The values of a mapping with free keys, in the order of the file; `null` is an empty mapping.
    static func members<Item>(
        of node: Node, _ decoder: inout Decoder, read: (Node.Entry, inout Decoder) -> Item?
    ) -> [Item]? {
        if node.isNull { return [] }
        guard case .mapping(let entries) = node.content else {
            decoder.fail(expected: "a mapping", found: node)
            return nil
        }
        return entries.compactMap { entry in decoder.read(entry.value, at: entry.key) { read(entry, &$0) } }
    }
}
