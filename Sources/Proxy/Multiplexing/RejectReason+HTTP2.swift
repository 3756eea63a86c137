import HTTP2
import Report

extension RejectReason {
    /// Why an HTTP/2 connection of a client was ended.
    init(_ failure: HTTP2Failure) {
        self =
            switch failure {
            case .preface, .protocolError, .flowControlError, .frameSizeError, .compressionError, .streamClosed, .lateHeadFlood:
                .malformedFrames
            case .rapidReset: .rapidReset
            case .continuationFlood: .continuationFlood
            case .settingsFlood: .settingsFlood
            case .pingFlood: .pingFlood
            case .emptyDataFlood: .emptyDataFlood
            case .priorityFlood: .priorityFlood
            case .windowUpdateFlood: .windowUpdateFlood
            case .headerBomb: .headerTooLarge
            }
    }

    /// Why one request of an HTTP/2 connection came to nothing.
    init(_ refusal: HTTP2Refusal) {
        self =
            switch refusal {
            case .malformed: .malformedRequest
            case .headerTooLarge, .tooManyFields: .headerTooLarge
            case .tooManyStreams: .tooManyStreams
            }
    }
}

extension UpstreamRejectReason {
    /// The limit of ours by which an HTTP/2 connection to an upstream was ended; nil when the upstream has broken a rule.
    init?(_ failure: HTTP2Failure) {
        switch failure {
        case .headerBomb, .continuationFlood: self = .headerTooLarge
        // More of the interim responses that were too many already.
        case .lateHeadFlood: self = .interims
        default: return nil
        }
    }
}
