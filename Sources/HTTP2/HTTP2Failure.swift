/// Why a connection is over: a limit of `HTTP2Limits` that the peer has gone past, or an error of RFC 9113 section 7.
@frozen
public enum HTTP2Failure: UInt8, Sendable, CaseIterable {
    /// The first bytes are not the connection preface.
    case preface
    case protocolError, flowControlError, frameSizeError, compressionError, streamClosed
    case rapidReset, continuationFlood, settingsFlood, pingFlood, emptyDataFlood, priorityFlood, windowUpdateFlood
    /// A header block that stays over the limits by so much that it is not even read to its end.
    case headerBomb
    /// Client: header blocks on streams that are over, without end.
    case lateHeadFlood

    /// As counters name it.
    public var name: StaticString {
        switch self {
        case .preface: "preface"
        case .protocolError: "protocol_error"
        case .flowControlError: "flow_control_error"
        case .frameSizeError: "frame_size_error"
        case .compressionError: "compression_error"
        case .streamClosed: "stream_closed"
        case .rapidReset: "rapid_reset"
        case .continuationFlood: "continuation_flood"
        case .settingsFlood: "settings_flood"
        case .pingFlood: "ping_flood"
        case .emptyDataFlood: "empty_data_flood"
        case .priorityFlood: "priority_flood"
        case .windowUpdateFlood: "window_update_flood"
        case .headerBomb: "header_bomb"
        case .lateHeadFlood: "late_head_flood"
        }
    }

    /// What the GOAWAY says.
    var code: UInt32 {
        switch self {
        case .preface, .protocolError: ErrorCode.protocolError
        case .flowControlError: ErrorCode.flowControlError
        case .frameSizeError: ErrorCode.frameSizeError
        case .compressionError: ErrorCode.compressionError
        case .streamClosed: ErrorCode.streamClosed
        default: ErrorCode.enhanceYourCalm
        }
    }
}
