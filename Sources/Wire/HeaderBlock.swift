/// Where one field line stands in its header block. Offsets count from the block's first byte.
@frozen
public struct Field {
    /// First byte of the name; the line's first byte.
    public var start: UInt32
    /// Past the line's CRLF.
    public var end: UInt32
    public var valueStart: UInt32
    public var valueCount: UInt32
    public var nameCount: UInt16
    public var name: FieldName
    /// The forwarder leaves the line out.
    public var isDropped: Bool

    @inlinable
    public init(start: UInt32, end: UInt32, nameCount: UInt16, name: FieldName, valueStart: UInt32, valueCount: UInt32) {
        self.start = start
        self.end = end
        self.nameCount = nameCount
        self.name = name
        self.valueStart = valueStart
        self.valueCount = valueCount
        isDropped = false
    }
}

/// A run of bytes in a header block: offset from its first byte, and length.
@frozen
public struct ByteRange: Equatable, Sendable {
    public var start: UInt32
    public var count: UInt32
    @inlinable
    public init(start: Int, count: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: count)
    }
    @inlinable public init() { self.init(start: 0, count: 0) }
    @inlinable public var isEmpty: Bool { count == 0 }
    @inlinable public var end: Int { Int(start) + Int(count) }
}

/// Facts that a header block's fields state about framing, persistence and themselves.
@frozen
public struct HeaderFacts: OptionSet, Sendable {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let contentLength = HeaderFacts(rawValue: 1 << 0)
    /// Several Content-Length values, all equal.
    public static let contentLengthRepeated = HeaderFacts(rawValue: 1 << 1)
    /// Content-Length values that differ.
    public static let contentLengthDiffers = HeaderFacts(rawValue: 1 << 2)
    public static let contentLengthInvalid = HeaderFacts(rawValue: 1 << 3)
    /// Transfer-Encoding names at least one coding, if only `identity`.
    public static let transferEncoding = HeaderFacts(rawValue: 1 << 4)
    /// The last transfer coding is chunked.
    public static let chunked = HeaderFacts(rawValue: 1 << 5)
    /// A transfer coding other than chunked.
    public static let otherCoding = HeaderFacts(rawValue: 1 << 6)
    /// Codings that leave no use for a Content-Length (RFC 9112 section 6.3).
    public static let codings: HeaderFacts = [.chunked, .otherCoding]
    public static let close = HeaderFacts(rawValue: 1 << 7)
    public static let keepAlive = HeaderFacts(rawValue: 1 << 8)
    /// Connection nominates Upgrade and there is an Upgrade field.
    public static let upgrade = HeaderFacts(rawValue: 1 << 9)
    public static let connectionUpgrade = HeaderFacts(rawValue: 1 << 10)
    public static let upgradeField = HeaderFacts(rawValue: 1 << 11)
    /// Connection names fields beyond close, keep-alive and upgrade.
    public static let nominates = HeaderFacts(rawValue: 1 << 13)
    /// Chunked stands more than once.
    public static let chunkedRepeated = HeaderFacts(rawValue: 1 << 15)
    /// `:status` stands more than once; the first counts.
    public static let statusRepeated = HeaderFacts(rawValue: 1 << 16)
    /// An extended CONNECT (RFC 8441): what `:protocol` says is the Upgrade field.
    public static let extendedConnect = HeaderFacts(rawValue: 1 << 17)
    /// Pseudo-header fields stand among a request's trailers.
    public static let pseudoInTrailers = HeaderFacts(rawValue: 1 << 18)
    /// Transfer-Encoding names `identity`, which is no coding, before any other.
    public static let identityCoding = HeaderFacts(rawValue: 1 << 19)
    /// A line ends in a line feed alone.
    public static let bareLineFeed = HeaderFacts(rawValue: 1 << 20)
}

/// What is wrong with a field of an HTTP/2 header block (RFC 9113 section 8.2 and 8.3).
public enum FieldFault: UInt8, Sendable {
    case name, value, connectionSpecific, pseudoBehindRegular, status

    public var text: String {
        switch self {
        case .name: "a name that is not in lower case, or no token"
        case .value: "a value with a control character"
        case .connectionSpecific: "a field of HTTP/1's connections"
        case .pseudoBehindRegular: "a pseudo-header field behind other fields, or one that answers do not have"
        case .status: "not a status"
        }
    }
}

/// One header block: its start line, where its fields stand in the bytes, and what they state.
///
/// The bytes belong to somebody else (a read buffer): a block is valid until they move. One block is reused for every
/// message a worker reads, so that parsing allocates nothing.
@safe public struct HeaderBlock: ~Copyable {
    public var base: UnsafePointer<UInt8>
    public let fields: UnsafeMutablePointer<Field>
    /// Most fields a block may have.
    public let capacity: Int
    public var count = 0
    /// Bytes of the whole block, with its empty line.
    public var byteCount = 0

    public var version: HTTPVersion = .http11
    public var method: Method = .get
    public var methodText = ByteRange()
    public var target = ByteRange()
    public var status = 0
    public var reason = ByteRange()

    public var facts: HeaderFacts = []
    /// Valid with `.contentLength` and neither `.contentLengthDiffers` nor `.contentLengthInvalid`.
    public var contentLength: UInt64 = 0
    /// Singleton names seen twice: bit = `FieldName.rawValue`.
    public var duplicates: UInt32 = 0
    /// Pseudo-header fields of a request that stand more than once.
    public var repeatedPseudo: PseudoFields = []
    /// Names seen at all: bit = `FieldName.rawValue`.
    public var seen: UInt32 = 0
    /// HTTP/2: the first field that breaks a rule, and which; its name where that is fit to be shown.
    public var fault: FieldFault?
    public var faultName = ""
    /// `timeout=` of Keep-Alive in seconds, 0 when absent.
    public var keepAliveSeconds: UInt32 = 0

    public init(capacity: Int) {
        self.capacity = capacity
        unsafe fields = .allocate(capacity: capacity)
        unsafe base = unsafe UnsafePointer(UnsafeRawPointer(fields).assumingMemoryBound(to: UInt8.self))
    }

    deinit { unsafe fields.deallocate() }

    public mutating func reset(base: UnsafePointer<UInt8>) {
        unsafe self.base = unsafe base
        count = 0
        byteCount = 0
        facts = []
        contentLength = 0
        duplicates = 0
        repeatedPseudo = []
        seen = 0
        if fault != nil { (fault, faultName) = (nil, "") }
        keepAliveSeconds = 0
        status = 0
        target = ByteRange()
    }

    @inlinable
    public func bytes(_ range: ByteRange) -> UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: base + Int(range.start), count: Int(range.count))
    }

    @inlinable
    public func value(_ field: Field) -> UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: base + Int(field.valueStart), count: Int(field.valueCount))
    }

    @inlinable
    public func nameBytes(_ field: Field) -> UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: base + Int(field.start), count: Int(field.nameCount))
    }

    @inlinable
    public func has(_ name: FieldName) -> Bool { seen & (1 << UInt32(name.rawValue)) != 0 }

    /// The message says that its connection ends with it (RFC 9112 section 9.3).
    @inlinable
    public var endsConnection: Bool { version == .http10 ? !facts.contains(.keepAlive) : facts.contains(.close) }

    /// The first field of that name, if any.
    @inlinable
    public func first(_ name: FieldName) -> Field? {
        guard has(name) else { return nil }
        for i in 0..<count where unsafe fields[i].name == name { return unsafe fields[i] }
        return nil
    }

    /// Leaves out every field of that name when the block is passed on.
    @inlinable
    public mutating func drop(_ name: FieldName) {
        guard has(name) else { return }
        for i in 0..<count where unsafe fields[i].name == name { unsafe fields[i].isDropped = true }
    }

    /// Whether a field has a name that none of `FieldName` is, and that is spelled so.
    public func hasOther(named name: StaticString) -> Bool { (0..<count).contains { isOther($0, name) } }

    /// Leaves out every field whose name none of `FieldName` is, and that is spelled so.
    public mutating func dropOther(named name: StaticString) {
        for i in 0..<count where isOther(i, name) { unsafe fields[i].isDropped = true }
    }

    private func isOther(_ place: Int, _ name: StaticString) -> Bool {
        guard unsafe fields[place].name == .other else { return false }
        let bytes = unsafe nameBytes(fields[place])
        return unsafe equalsIgnoringCase(bytes.baseAddress!, name, count: bytes.count)
    }
}
