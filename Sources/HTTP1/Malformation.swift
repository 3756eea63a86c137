/// Why bytes are not the HTTP/1 message that was due (RFC 9112).
public enum Malformation: UInt8, Sendable {
    case startLine, version, target, lineEnd, fieldName, fieldValue, foldedLine, spaceBeforeColon
    case headerTooLarge, tooManyFields
    case chunkSize, chunkEnd, chunkExtensionTooLarge, trailer
    case unrequestedUpgrade

    /// Too much for us, which breaks no rule of HTTP.
    public var isOurLimit: Bool {
        switch self {
        case .headerTooLarge, .tooManyFields, .chunkExtensionTooLarge: true
        default: false
        }
    }

    /// In words, for messages and logs.
    public var text: String {
        switch self {
        case .startLine: "bad start line"
        case .version: "unknown HTTP version"
        case .target: "bad request target"
        case .lineEnd: "a line that does not end in CRLF"
        case .fieldName: "bad field name"
        case .fieldValue: "control character in a field value"
        case .foldedLine: "folded field line"
        case .spaceBeforeColon: "white space before a field's colon"
        case .headerTooLarge: "header block over the size limit"
        case .tooManyFields: "more fields than the limit"
        case .chunkSize: "bad chunk size"
        case .chunkEnd: "chunk data that does not end in CRLF"
        case .chunkExtensionTooLarge: "chunk extensions over the size limit"
        case .trailer: "bad trailer section"
        case .unrequestedUpgrade: "101 that nobody asked for"
        }
    }
}

/// What came of reading a header block from the bytes at hand.
public enum HeadOutcome: Equatable, Sendable {
    /// The block is filled in; its `byteCount` bytes are consumed.
    case complete
    /// The bytes end before the block does.
    case incomplete
    case malformed(Malformation)
}

/// Named limits of the codec.
public struct HeadLimits: Sendable {
    /// Bytes of a header block with its start line and empty line.
    public var headerBytesMax: Int
    public init(headerBytesMax: Int) { self.headerBytesMax = headerBytesMax }
}
