/// The field names that SendOnce acts on; every other name is `.other` and passes untouched.
@frozen
public enum FieldName: UInt8, Sendable, CaseIterable {
    case other
    // Singletons: a second line of these in one header block is a violation (RFC 9110 section 5.3).
    case contentLength, contentType, contentRange, location, date, etag, lastModified, age, expires, retryAfter
    case accessControlAllowOrigin, host
    // Hop by hop (RFC 9110 section 7.6.1).
    case connection, keepAlive, proxyConnection, te, transferEncoding, upgrade, http2Settings
    // What a proxy reads or writes.
    case expect, trailer, via, forwarded, xForwardedFor, xForwardedProto, xForwardedHost, xRequestID, traceparent, tracestate
    case sendOnceID

    /// Whether a second line of this name in one header block is a violation.
    @inlinable
    public var isSingleton: Bool { rawValue >= FieldName.contentLength.rawValue && rawValue <= FieldName.host.rawValue }

    /// Whether a proxy must not pass the field on (RFC 9110 section 7.6.1).
    @inlinable
    public var isHopByHop: Bool { rawValue >= FieldName.connection.rawValue && rawValue <= FieldName.http2Settings.rawValue }

    /// The name in lower case; empty for `.other`.
    public var text: StaticString {
        switch self {
        case .other: ""
        case .contentLength: "content-length"
        case .contentType: "content-type"
        case .contentRange: "content-range"
        case .location: "location"
        case .date: "date"
        case .etag: "etag"
        case .lastModified: "last-modified"
        case .age: "age"
        case .expires: "expires"
        case .retryAfter: "retry-after"
        case .accessControlAllowOrigin: "access-control-allow-origin"
        case .host: "host"
        case .connection: "connection"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .te: "te"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .http2Settings: "http2-settings"
        case .expect: "expect"
        case .via: "via"
        case .forwarded: "forwarded"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .xRequestID: "x-request-id"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .sendOnceID: "sendonce-id"
        }
    }

    /// The known name that these bytes spell, in any case.
    ///
    /// Distinguished by length first: most fields of a message have a length that no known name has.
    public init(_ bytes: UnsafePointer<UInt8>, count: Int) {
        @inline(__always) func spells(_ name: FieldName) -> Bool { unsafe equalsIgnoringCase(bytes, name.text, count: count) }
        var found = FieldName.other
        switch count {
        case 2: if spells(.te) { found = .te }
        case 3:
            if spells(.via) { found = .via } else if spells(.age) { found = .age }
        case 4:
            switch unsafe bytes[0] | 0x20 {
            case 0x68: if spells(.host) { found = .host }
            case 0x64: if spells(.date) { found = .date }
            case 0x65: if spells(.etag) { found = .etag }
            default: break
            }
        case 6: if spells(.expect) { found = .expect }
        case 7:
            switch unsafe bytes[0] | 0x20 {
            case 0x75: if spells(.upgrade) { found = .upgrade }
            case 0x74: if spells(.trailer) { found = .trailer }
            case 0x65: if spells(.expires) { found = .expires }
            default: break
            }
        case 8: if spells(.location) { found = .location }
        case 9: if spells(.forwarded) { found = .forwarded }
        case 10:
            switch unsafe bytes[0] | 0x20 {
            case 0x63: if spells(.connection) { found = .connection }
            case 0x6b: if spells(.keepAlive) { found = .keepAlive }
            case 0x74: if spells(.tracestate) { found = .tracestate }
            default: break
            }
        case 11:
            switch unsafe bytes[0] | 0x20 {
            case 0x74: if spells(.traceparent) { found = .traceparent }
            case 0x72: if spells(.retryAfter) { found = .retryAfter }
            case 0x73: if spells(.sendOnceID) { found = .sendOnceID }
            default: break
            }
        case 12:
            if spells(.contentType) { found = .contentType } else if spells(.xRequestID) { found = .xRequestID }
        case 13:
            if spells(.contentRange) { found = .contentRange } else if spells(.lastModified) { found = .lastModified }
        case 14:
            if spells(.contentLength) { found = .contentLength } else if spells(.http2Settings) { found = .http2Settings }
        case 15: if spells(.xForwardedFor) { found = .xForwardedFor }
        case 16:
            if spells(.proxyConnection) { found = .proxyConnection } else if spells(.xForwardedHost) { found = .xForwardedHost }
        case 17:
            if spells(.transferEncoding) {
                found = .transferEncoding
            } else if spells(.xForwardedProto) {
                found = .xForwardedProto
            }
        case 27: if spells(.accessControlAllowOrigin) { found = .accessControlAllowOrigin }
        default: break
        }
        self = found
    }
}

/// Whether `count` bytes equal the first `count` of a lower-case name, letters in any case.
@inline(__always)
public func equalsIgnoringCase(_ bytes: UnsafePointer<UInt8>, _ lower: StaticString, count: Int) -> Bool {
    guard lower.utf8CodeUnitCount == count else { return false }
    let expected = unsafe lower.utf8Start
    for i in 0..<count {
        var byte = unsafe bytes[i]
        if byte &- 0x41 < 26 { byte |= 0x20 }
        if unsafe byte != expected[i] { return false }
    }
    return true
}
