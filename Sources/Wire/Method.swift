/// A request method: the registered ones that count on their own in metrics, or another.
@frozen
public enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, connect, options, trace, patch, other

    /// The method's name, `_OTHER` for one that is not registered (OpenTelemetry's word for it).
    public var text: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .connect: "CONNECT"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .patch: "PATCH"
        case .other: "_OTHER"
        }
    }

    /// Safe to send again when no answer came (RFC 9110 section 9.2.2).
    @inlinable
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options, .trace: true
        default: false
        }
    }

    /// Methods are case-sensitive (RFC 9110 section 9.1).
    public init(_ bytes: UnsafePointer<UInt8>, count: Int) {
        @inline(__always) func spells(_ method: Method) -> Bool {
            let expected = unsafe method.text.utf8Start
            for i in 0..<count where unsafe bytes[i] != expected[i] { return false }
            return true
        }
        var found = Method.other
        switch count {
        case 3:
            if spells(.get) { found = .get } else if spells(.put) { found = .put }
        case 4:
            if spells(.head) { found = .head } else if spells(.post) { found = .post }
        case 5:
            if spells(.patch) { found = .patch } else if spells(.trace) { found = .trace }
        case 6: if spells(.delete) { found = .delete }
        case 7:
            if spells(.options) { found = .options } else if spells(.connect) { found = .connect }
        default: break
        }
        self = found
    }
}
