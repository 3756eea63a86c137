import Wire

extension HTTPVersion {
    /// The field line that says which version a message came in, and through whom (RFC 9110 section 7.6.3).
    var viaLine: StaticString {
        switch self {
        case .http10: "Via: 1.0 sendonce\r\n"
        case .http11: "Via: 1.1 sendonce\r\n"
        case .http2: "Via: 2.0 sendonce\r\n"
        }
    }
}
