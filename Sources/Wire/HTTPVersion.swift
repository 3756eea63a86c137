/// The version of HTTP spoken on one hop.
@frozen
public enum HTTPVersion: UInt8, Sendable {
    case http10, http11, http2

    /// As the incident record and the logs name it.
    public var name: String {
        switch self {
        case .http10: "http/1.0"
        case .http11: "http/1.1"
        case .http2: "h2"
        }
    }
}
