/// Why a request came to nothing on its own; its connection goes on.
@frozen
public enum HTTP2Refusal: UInt8, Sendable, CaseIterable {
    /// RST_STREAM(PROTOCOL_ERROR).
    case malformed
    /// Answered with 431.
    case headerTooLarge, tooManyFields
    /// RST_STREAM(REFUSED_STREAM): more streams than announced. The client may try again.
    case tooManyStreams

    /// As counters name it.
    public var name: StaticString {
        switch self {
        case .malformed: "malformed_request"
        case .headerTooLarge: "header_too_large"
        case .tooManyFields: "too_many_fields"
        case .tooManyStreams: "too_many_streams"
        }
    }
}
