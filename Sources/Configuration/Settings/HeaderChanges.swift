extension Settings.Route {
    /// What is done to the fields of a header block: first removals, then settings.
    public struct HeaderChanges: Sendable, Equatable {
        public struct Field: Sendable, Equatable {
            public var name: String
            public var value: String
        }

        /// Names are unique, whatever their case.
        public var set: [Field] = []
        public var remove: [String] = []

        public init() {}

        /// Fields that frame a message or belong to one connection: the proxy alone writes them.
        static let reserved: Set<String> = [
            "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
            "upgrade",
        ]

        static let section = Section(
            "routes[].request_headers, routes[].response_headers", Self(),
            keys: [
                Key("set", \.set, .fields, "a mapping from names to values that replace the fields of these names"),
                Key("remove", \.remove, .list(of: .token, type: "list of names"), "names of fields that are taken out"),
            ],
            check: { changes, node, decoder in
                for (index, name) in changes.remove.enumerated() where reserved.contains(name.lowercased()) {
                    let mark = decoder.mark(of: "remove", "\(index)") ?? node.mark
                    decoder.fail("the field '\(name)' belongs to the proxy and cannot be removed", at: mark)
                }
            })
    }
}

extension Format where Value == [Settings.Route.HeaderChanges.Field] {
    static let fields = Format(
        type: "mapping of texts",
        read: { node, decoder in
            var seen: Set<String> = []
            return members(of: node, &decoder) { entry, decoder in
                guard isToken(entry.key) else {
                    decoder.fail("'\(Quoting.shown(entry.key))' is not the name of a field", at: entry.mark)
                    return nil
                }
                if !seen.insert(entry.key.lowercased()).inserted {
                    decoder.fail("the field '\(entry.key)' is set twice", at: entry.mark)
                }
                if Settings.Route.HeaderChanges.reserved.contains(entry.key.lowercased()) {
                    decoder.fail("the field '\(entry.key)' belongs to the proxy and cannot be set", at: entry.mark)
                }
                return Format<String>.text().read(entry.value, &decoder).map { .init(name: entry.key, value: $0) }
            }
        }, show: { fields in .object(fields.map { ($0.name, .text($0.value)) }) })
}

extension Format where Value == String {
    /// RFC 9110, section 5.6.2.
    static let token = scalar(
        "name", expected: "a name of letters, digits and dashes", parse: { isToken($0) ? $0 : nil }, show: { .text($0) }
    )
}

/// RFC 9110, section 5.6.2; at most 256 bytes.
private func isToken(_ text: String) -> Bool {
    guard (1...256).contains(text.utf8.count) else { return false }
    return text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
