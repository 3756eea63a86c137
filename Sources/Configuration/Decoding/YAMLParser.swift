import CYaml

/// libyaml over bytes in memory, as a source of events.
struct YAMLParser: ~Copyable {
    /// The text is not YAML; nothing after this position can be read.
    struct SyntaxError: Error {
        let mark: Mark
        let message: String
    }

    // libyaml keeps pointers to the parser and to the bytes: both need an address that stays.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    init(_ source: [UInt8]) {
        bytes = .allocate(capacity: max(source.count, 1))
        _ = bytes.initialize(from: source)
        parser = .allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else { fatalError("out of memory") }
        yaml_parser_set_input_string(parser, bytes.baseAddress, source.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        bytes.deallocate()
    }

    /// The next event. After `streamEnd` or an error it must not be asked again.
    func next() throws(SyntaxError) -> YAMLEvent {
        var event = yaml_event_t()
        while true {
            guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
            defer { yaml_event_delete(&event) }
            if event.type != YAML_STREAM_START_EVENT { return Self.translate(event) }
        }
    }

    private static func translate(_ event: yaml_event_t) -> YAMLEvent {
        let mark = Mark(event.start_mark)
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isOneLine = event.start_mark.line == event.end_mark.line
            let width = isOneLine ? Int(event.end_mark.column) - Int(event.start_mark.column) : nil
            return YAMLEvent(
                content: .scalar(text: text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, width: width),
                mark: mark,
                anchor: string(scalar.anchor), tag: string(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return YAMLEvent(content: .sequenceStart, mark: mark, anchor: string(start.anchor), tag: string(start.tag))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return YAMLEvent(content: .mappingStart, mark: mark, anchor: string(start.anchor), tag: string(start.tag))
        case YAML_ALIAS_EVENT: return YAMLEvent(content: .alias(string(event.data.alias.anchor) ?? ""), mark: mark)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(content: .documentStart, mark: mark)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(content: .documentEnd, mark: mark)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return YAMLEvent(content: .end, mark: mark)
        default: return YAMLEvent(content: .streamEnd, mark: mark)
        }
    }

    private func syntaxError() -> SyntaxError {
        let problem = Self.string(parser.pointee.problem) ?? "out of memory"
        switch parser.pointee.error {
        case YAML_READER_ERROR:
            return SyntaxError(mark: mark(ofByte: parser.pointee.problem_offset), message: "not valid text: \(problem)")
        case YAML_MEMORY_ERROR: return SyntaxError(mark: .start, message: "out of memory")
        default:
            var message = "not valid YAML: \(problem)"
            if let context = Self.string(parser.pointee.context) {
                message += " \(context) (from line \(parser.pointee.context_mark.line + 1))"
            }
            return SyntaxError(mark: Mark(parser.pointee.problem_mark), message: message)
        }
    }

    /// Where a byte stands that libyaml could not even read as a character.
    private func mark(ofByte offset: Int) -> Mark {
        let before = bytes.prefix(min(offset, bytes.count))
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let line = before.count { $0 == 0x0A } + 1
        return Mark(line: line, column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1)
    }

    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func string(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
}

extension Mark {
    init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}
