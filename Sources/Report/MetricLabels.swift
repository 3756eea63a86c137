// The closed sets among the labels. Each case's place is its place in a worker's counters.
// `method` is `Wire.Method`, whose order the counters share.

/// `side`: whose connection.
@frozen
public enum SideLabel: UInt8, CaseIterable, Sendable {
    case client, upstream
    public var text: String { self == .client ? "client" : "upstream" }
}

/// `state` of an upstream connection: serving an exchange, or pooled.
@frozen
public enum ConnectionStateLabel: UInt8, CaseIterable, Sendable {
    case active, idle
    public var text: String { self == .active ? "active" : "idle" }
}

/// `reason` why an upstream connection was closed.
@frozen
public enum CloseReason: UInt8, CaseIterable, Sendable {
    case idleTimeout, upstreamClosed, notReusable, incident, quarantine, error, clientGone, drain, maxIdle, aged

    public var text: String {
        switch self {
        case .idleTimeout: "idle_timeout"
        case .upstreamClosed: "upstream_closed"
        case .notReusable: "not_reusable"
        case .incident: "incident"
        case .quarantine: "quarantine"
        case .error: "error"
        case .clientGone: "client_gone"
        case .drain: "drain"
        case .maxIdle: "max_idle"
        case .aged: "aged"
        }
    }
}

/// `reason` why a client was turned away by the proxy itself.
@frozen
public enum RejectReason: UInt8, CaseIterable, Sendable {
    case connectionLimit, malformedRequest, headerTooLarge, bodyTooLarge, headerTimeout, bodyTimeout
    case noRoute, noServer, unsupported, tls
    case malformedFrames, tooManyStreams, rapidReset, continuationFlood, settingsFlood, pingFlood, emptyDataFlood
    case priorityFlood, windowUpdateFlood, stalledStream, stalledConnection, slowReader

    public var text: String {
        switch self {
        case .connectionLimit: "connection_limit"
        case .malformedRequest: "malformed_request"
        case .headerTooLarge: "header_too_large"
        case .bodyTooLarge: "body_too_large"
        case .headerTimeout: "header_timeout"
        case .bodyTimeout: "body_timeout"
        case .noRoute: "no_route"
        case .noServer: "no_server"
        case .unsupported: "unsupported"
        case .tls: "tls"
        case .malformedFrames: "malformed_frames"
        case .tooManyStreams: "too_many_streams"
        case .rapidReset: "rapid_reset"
        case .continuationFlood: "continuation_flood"
        case .settingsFlood: "settings_flood"
        case .pingFlood: "ping_flood"
        case .emptyDataFlood: "empty_data_flood"
        case .priorityFlood: "priority_flood"
        case .windowUpdateFlood: "window_update_flood"
        case .stalledStream: "stalled_stream"
        case .stalledConnection: "stalled_connection"
        case .slowReader: "slow_reader"
        }
    }
}

/// `reason` why an answer of an upstream's was turned away by the proxy itself, though it breaks no rule of HTTP.
@frozen
public enum UpstreamRejectReason: UInt8, CaseIterable, Sendable {
    case interims, headerTooLarge, tooManyFields, extensionsTooLarge
    /// A connection, and whatever is on it.
    case tlsFlood

    public var text: String {
        switch self {
        case .interims: "interims"
        case .headerTooLarge: "header_too_large"
        case .tooManyFields: "too_many_fields"
        case .extensionsTooLarge: "chunk_extensions_too_large"
        case .tlsFlood: "tls_flood"
        }
    }
}

/// `sink` that could not take an incident.
public enum SinkLabel: String, CaseIterable, Sendable { case log, stream, otlp, capture }

/// `result` of a line that came for the probe's socket.
public enum ProbeReportLabel: String, CaseIterable, Sendable {
    case taken
    /// No report, or too long.
    case invalid
    /// A connection too many.
    case refused
}
