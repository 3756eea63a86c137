/// What was violated: the closed set of the incident record's `kind`.
///
/// The same for HTTP/1 and HTTP/2 and for both directions.
public enum Kind: String, CaseIterable, Sendable {
    case secondResponse = "second_response"
    case headerBlockInBody = "header_block_in_body"
    case lateInterim = "late_interim"
    case bodyAfterEnd = "body_after_end"
    case misdeliveredResponse = "misdelivered_response"
    case duplicateField = "duplicate_field"
    case conflictingFraming = "conflicting_framing"
    case truncatedResponse = "truncated_response"
    case stalledResponse = "stalled_response"
    case hangupAfterEnd = "hangup_after_end"
    case malformedMessage = "malformed_message"
    case applicationDoubleSend = "application_double_send"

    /// The certainties that a record of this kind can have, each of which is a series on `/metrics`.
    public var certainties: [Certainty] {
        switch self {
        case .headerBlockInBody, .misdeliveredResponse, .stalledResponse, .applicationDoubleSend: [.proven, .suspected]
        case .hangupAfterEnd: [.suspected]
        default: [.proven]
        }
    }

    /// The severity that a record of this kind has unless the finding says otherwise.
    public var severity: Severity {
        switch self {
        case .secondResponse, .headerBlockInBody, .misdeliveredResponse: .error
        case .hangupAfterEnd: .info
        default: .warning
        }
    }

    /// What a handler that answers twice puts on the wire.
    public var isDoubleSend: Bool {
        switch self {
        case .secondResponse, .headerBlockInBody, .lateInterim, .bodyAfterEnd, .misdeliveredResponse: true
        default: false
        }
    }

    /// Whether the probe may have seen the same send in the application.
    public var mayBeExplained: Bool {
        switch self {
        case .secondResponse, .headerBlockInBody, .lateInterim, .bodyAfterEnd, .misdeliveredResponse, .truncatedResponse,
            .hangupAfterEnd:
            true
        case .duplicateField, .conflictingFraming, .stalledResponse, .malformedMessage, .applicationDoubleSend: false
        }
    }
}

/// Whether the bytes leave another reading. A suspected incident never changes traffic.
public enum Certainty: String, CaseIterable, Sendable { case proven, suspected }

/// Who sent the offending bytes.
public enum Origin: String, Sendable { case client, upstream, application }

/// How loud an incident is.
public enum Severity: String, Sendable { case error, warning, info }

/// Where in the conversation the offending bytes stood.
public enum Phase: String, Sendable {
    /// Within the header block itself.
    case inHead = "in_head"
    /// Before the end of the answer's body.
    case inBody = "in_body"
    /// After the end, before the connection was pooled.
    case afterEnd = "after_end"
    /// On a pooled connection that waits for its next exchange.
    case idle
    /// After another request had been sent on the connection.
    case nextExchange = "next_exchange"
}

/// What a route does about a proven violation.
public enum ViolationPolicy: String, CaseIterable, Sendable { case observe, contain, fail }

/// What the client of the guilty (or the victim's) exchange noticed.
public enum ClientImpact: String, Sendable {
    case none, aborted, misdelivered
    case badGateway = "bad_gateway"
}

/// What makes a misdelivered response known.
public enum Proof: String, Sendable {
    case unacknowledgedRequest = "unacknowledged_request"
    case requestID = "request_id"
    case accounting
}
