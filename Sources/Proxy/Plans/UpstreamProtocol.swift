import Configuration
import Wire

/// What is spoken on connections to an upstream, as far as others than its codec must know: the answers that differ.
public enum UpstreamProtocol: Sendable {
    /// One exchange after the other on each connection.
    case http1
    /// By ALPN with TLS, else by prior knowledge.
    case http2

    init(_ family: Settings.HTTPFamily) {
        switch family {
        case .http1: self = .http1
        case .http2: self = .http2
        }
    }

    /// As records name it, and as TLS agrees on it.
    var version: HTTPVersion {
        switch self {
        case .http1: .http11
        case .http2: .http2
        }
    }

    /// A connection carries many exchanges at once, each on a stream that takes a slot of its own.
    var sharesConnections: Bool { self == .http2 }
    /// Whatever Upgrade names may be asked for; else WebSockets alone (RFC 8441).
    var takesEveryUpgrade: Bool { self == .http1 }
    /// What travels can be kept as a trace of bytes.
    var isTaped: Bool { self == .http1 }
    /// Health checks ask in frames.
    var checksInFrames: Bool { self == .http2 }
}
