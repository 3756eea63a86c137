import CYaml

/// libyaml over bytes in memory, as a source of events.
@safe struct YAMLParser: ~Copyable {
    /// The text is not YAML; nothing after this position can be read.
    struct SyntaxError: Error {
        let mark: Mark
        let message: String
    }

    // libyaml keeps pointers to the parser and to the bytes: both need an address that stays.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    init(_ source: [UInt8]) {
        unsafe bytes = .allocate(capacity: max(source.count, 1))
        _ = unsafe bytes.initialize(from: source)
        unsafe parser = .allocate(capacity: 1)
        guard unsafe yaml_parser_initialize(parser) == 1 else { fatalError("out of memory") }
        unsafe yaml_parser_set_input_string(parser, bytes.baseAddress, source.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe bytes.deallocate()
    }

    /// The next event. After `streamEnd` or an error it must not be asked again.
    func next() throws(SyntaxError) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        while true {
            guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
            defer { unsafe yaml_event_delete(&event) }
            if unsafe event.type != YAML_STREAM_START_EVENT { return unsafe Self.translate(event) }
        }
    }

    private static func translate(_ event: yaml_event_t) -> YAMLEvent {
        let mark = unsafe Mark(event.start_mark)
        switch unsafe event.type {
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let text = unsafe String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isOneLine = unsafe event.start_mark.line == event.end_mark.line
            let width = unsafe isOneLine ? Int(event.end_mark.column) - Int(event.start_mark.column) : nil
            return unsafe YAMLEvent(
                content: .scalar(text: text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, width: width),
                mark: mark,
                anchor: string(scalar.anchor), tag: string(scalar.tag))
        case YAML_SEQUENCE_START_EVENT:
            let start = unsafe event.data.sequence_start
            return unsafe YAMLEvent(content: .sequenceStart, mark: mark, anchor: string(start.anchor), tag: string(start.tag))
        case YAML_MAPPING_START_EVENT:
            let start = unsafe event.data.mapping_start
            return unsafe YAMLEvent(content: .mappingStart, mark: mark, anchor: string(start.anchor), tag: string(start.tag))
        case YAML_ALIAS_EVENT: return unsafe YAMLEvent(content: .alias(string(event.data.alias.anchor) ?? ""), mark: mark)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(content: .documentStart, mark: mark)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(content: .documentEnd, mark: mark)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return YAMLEvent(content: .end, mark: mark)
        default: return YAMLEvent(content: .streamEnd, mark: mark)
        }
    }

    private func syntaxError() -> SyntaxError {
        let problem = unsafe Self.string(parser.pointee.problem) ?? "out of memory"
        switch unsafe parser.pointee.error {
        case YAML_READER_ERROR:
            return unsafe SyntaxError(mark: mark(ofByte: parser.pointee.problem_offset), message: "not valid text: \(problem)")
        case YAML_MEMORY_ERROR: return SyntaxError(mark: .start, message: "out of memory")
        default:
            var message = "not valid YAML: \(problem)"
            if let context = unsafe Self.string(parser.pointee.context) {
                message += unsafe " \(context) (from line \(parser.pointee.context_mark.line + 1))"
            }
            return unsafe SyntaxError(mark: Mark(parser.pointee.problem_mark), message: message)
        }
    }

    /// Where a byte stands that libyaml could not even read as a character.
    private func mark(ofByte offset: Int) -> Mark {
        let before = unsafe bytes.prefix(min(offset, bytes.count))
        let lineStart = unsafe before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let line = unsafe before.count { $0 == 0x0A } + 1
        return unsafe Mark(line: line, column: before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1)
    }

    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }

    private static func string(_ pointer: UnsafePointer<CChar>?) -> String? {
        unsafe pointer.map { unsafe String(cString: $0) }
    }
}

extension Mark {
    init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}
