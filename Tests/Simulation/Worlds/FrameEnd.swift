import Report

/// Why a client's HTTP/2 connection must end: an error of RFC 9113, or a limit that docs/metrics.md has a reason for.
enum FrameEnd: String, CaseIterable {
    case protocolError, flowControl, frameSize, compression, streamClosed
    case rapidReset, continuationFlood, settingsFlood, pingFlood, emptyDataFlood, priorityFlood, windowUpdateFlood
    /// A header block so far over its limits that it is not even read to its end.
    case headerTooLarge

    /// What GOAWAY says (RFC 9113 section 7).
    var code: UInt32 {
        switch self {
        case .protocolError: 1
        case .flowControl: 3
        case .streamClosed: 5
        case .frameSize: 6
        case .compression: 9
        default: 11
        }
    }

    /// What `sendonce_client_rejected_total` counts it under.
    var reason: RejectReason {
        switch self {
        case .protocolError, .flowControl, .frameSize, .compression, .streamClosed: .malformedFrames
        case .rapidReset: .rapidReset
        case .continuationFlood: .continuationFlood
        case .settingsFlood: .settingsFlood
        case .pingFlood: .pingFlood
        case .emptyDataFlood: .emptyDataFlood
        case .priorityFlood: .priorityFlood
        case .windowUpdateFlood: .windowUpdateFlood
        case .headerTooLarge: .headerTooLarge
        }
    }
}
