/// How one kind of value is read, shown and described.
///
/// `read` returns nil after it has noted what is wrong. What `show` gives, `read` understands.
struct Format<Value: Sendable>: Sendable {
    /// For the documentation: `duration`, `integer 1…256`.
    let type: String
    let read: @Sendable (Node, inout Decoder) -> Value?
    let show: @Sendable (Value) -> JSONValue
    /// The tables of the mappings inside.
    var tables: @Sendable () -> [KeyTable] = { [] }
}

extension Format {
    /// A value that is written as one scalar; `expected` completes "expected …, found '5 sec'".
    static func scalar(
        _ type: String, expected: String, parse: @escaping @Sendable (String) -> Value?,
        show: @escaping @Sendable (Value) -> JSONValue
    ) -> Format {
        Format(
            type: type,
            read: { node, decoder in
                if case .scalar(let scalar) = node.content, !node.isNull, let value = parse(scalar.text) {
                    return value
                }
                decoder.fail(expected: expected, found: node)
                return nil
            }, show: show)
    }
}

extension Format {
    /// The type for messages: without the link that a section has in the documentation.
    var word: String { type.hasPrefix("[section]") ? "a mapping" : "\(type)" }
}

extension Format where Value == String {
    /// Any text on one line.
    static func text(_ type: String = "text", bytesMax: Int = 4096) -> Format {
        .scalar(
            type, expected: "a text of 1 to \(bytesMax) bytes without control characters",
            parse: { $0.isEmpty || $0.utf8.count > bytesMax || Quoting.hasControls($0) ? nil : $0 }, show: { .text($0) }
        )
    }

    /// The path of a file. One that is called `off` is written `./off`.
    static let file = Format(
        type: "file",
        read: { node, decoder in
            guard case .scalar(let scalar) = node.content, Intent.isOff(scalar.text) else { return text().read(node, &decoder) }
            decoder.fail(expected: "a file", found: node)
            return nil
        }, show: { .text($0) })

    /// The file of a log, or `-` for standard output.
    static let logFile = Format(
        type: "file",
        read: { node, decoder in
            guard case .scalar(let scalar) = node.content, !node.isNull else { return file.read(node, &decoder) }
            let meant = Intent.isOff(scalar.text) ? "/dev/null" : scalar.text.lowercased() == "stdout" ? "-" : nil
            guard let meant else { return file.read(node, &decoder) }
            decoder.fail("expected a file, found \(node.description)\(Intent.hint(meant))", at: node.mark)
            return nil
        }, show: { .text($0) })

    /// A path of a URL: begins with `/`.
    static let path = path(expected: "a path that begins with '/'") { _ in nil }

    /// The beginning of a path, in whole segments.
    static let pathPrefix = path(expected: "a path that begins with '/', without a wildcard at its end") { text in
        text.hasSuffix("*") ? Intent.hint(Intent.prefix(text)) : nil
    }

    /// The whole path; whoever writes a wildcard at its end means another key.
    static let wholePath = path(expected: "a path that begins with '/', without a wildcard at its end") { text in
        guard text.hasSuffix("/*") || text.hasSuffix("/**") else { return nil }
        return Intent.prefix(text).map { " (did you mean 'path_prefix: \(Quoting.shown($0))'?)" } ?? ""
    }

    /// `refusal` says what is wrong with a path that is otherwise one, as the end of the message.
    private static func path(expected: String, refusal: @escaping @Sendable (String) -> String?) -> Format {
        Format(
            type: "path",
            read: { node, decoder in
                guard case .scalar(let scalar) = node.content, !node.isNull, scalar.text.hasPrefix("/"),
                    scalar.text.utf8.count <= 4096, !Quoting.hasControls(scalar.text), !scalar.text.contains(" ")
                else {
                    decoder.fail(expected: "a path that begins with '/'", found: node)
                    return nil
                }
                guard let refusal = refusal(scalar.text) else { return scalar.text }
                let hint = scalar.isSecret ? "" : refusal
                decoder.fail("expected \(expected), found \(node.description)\(hint)", at: node.mark)
                return nil
            }, show: { .text($0) })
    }

    /// Where a server of the web is reached.
    static let webAddress = scalar(
        "URL", expected: "a URL such as http://collector:4318",
        parse: { text in
            let scheme = ["http://", "https://"].first { text.hasPrefix($0) }
            return text.utf8.count <= 4096 && scheme.map { text.utf8.count > $0.utf8.count } ?? false
                && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? text : nil
        },
        show: { .text($0) })

    /// A name that labels records and metrics. Names that begin with `_` are the product's own.
    static let name = scalar(
        "name", expected: "a name of 1 to 128 bytes without control characters that does not begin with '_'",
        parse: { $0.isEmpty || $0.utf8.count > 128 || $0.hasPrefix("_") || Quoting.hasControls($0) ? nil : $0 },
        show: { .text($0) })
}

extension Format where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Format {
        .scalar(
            "integer \(range.lowerBound)…\(range.upperBound)",
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { Int($0).flatMap { range.contains($0) ? $0 : nil } }, show: { .number($0) })
    }

    /// In milliseconds, at least `least` of them.
    static func duration(least: Int = 1) -> Format {
        let plain = scalar(
            least == 0 ? "duration or 0" : "duration",
            expected: "a duration such as 250ms, 5s or 2m" + (least == 0 ? "" : " (not 0, at most a year)"),
            parse: { Quantity.milliseconds($0).flatMap { $0 >= least ? $0 : nil } },
            show: { .text(Quantity.duration(milliseconds: $0)) })
        guard least == 0 else { return plain }
        return Format(
            type: plain.type,
            read: { node, decoder in
                guard case .scalar(let scalar) = node.content, Intent.isOff(scalar.text) else {
                    return plain.read(node, &decoder)
                }
                decoder.fail("expected a duration or 0, found \(node.description)\(Intent.hint("0"))", at: node.mark)
                return nil
            }, show: plain.show)
    }

    /// In bytes.
    static func size(_ range: ClosedRange<Int>) -> Format {
        let (least, most) = (Quantity.size(bytes: range.lowerBound), Quantity.size(bytes: range.upperBound))
        return .scalar(
            "size \(least)…\(most)", expected: "a size such as 512, 16KiB or 10MiB, from \(least) to \(most)",
            parse: { Quantity.bytes($0).flatMap { range.contains($0) ? $0 : nil } },
            show: { bytes in
                let text = Quantity.size(bytes: bytes)
                return Int(text) == bytes ? .number(bytes) : .text(text)
            })
    }
}

extension Format where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of a few words.
    static var choice: Format {
        let words = Value.allCases.map(\.rawValue)
        return Format(
            type: words.map { "`\($0)`" }.joined(separator: ", "),
            read: { node, decoder in
                guard case .scalar(let scalar) = node.content, !node.isNull else {
                    decoder.fail(expected: Quoting.alternatives(words), found: node)
                    return nil
                }
                if let value = Value(rawValue: scalar.text) { return value }
                let hint = scalar.isSecret ? "" : Spelling.hint(for: scalar.text, among: words)
                decoder.fail("expected \(Quoting.alternatives(words)), found \(node.description)\(hint)", at: node.mark)
                return nil
            }, show: { .text($0.rawValue) })
    }
}
