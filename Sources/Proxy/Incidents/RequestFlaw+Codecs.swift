import Detector
import HTTP1
import HTTP2
import Wire

/// What the codecs say of a client, in the detector's words.
extension RequestFlaw {
    /// Of a request that was refused; nil when it is merely not served.
    init?(_ fault: RequestFault, _ facts: HeaderFacts) {
        switch fault {
        case .malformed(.headerTooLarge), .malformed(.tooManyFields), .malformed(.version), .missingHost: return nil
        case .malformed: self = .malformed
        case .repeatedHost: self = .repeated(["host"])
        case .lengthAndChunked: self = .framing(["content-length", "transfer-encoding"])
        case .lengthUnusable: self = .length(facts)
        case .transferEncodingUnusable:
            // A coding that we do not know is no fault, as long as it leaves no doubt where the body ends.
            guard !facts.contains(.chunked) || facts.contains(.chunkedRepeated) else { return nil }
            self = .framing(["transfer-encoding"])
        case .transferEncodingInHTTP10: self = .framing(["transfer-encoding"])
        }
    }
}

extension ClientFinding.Frame {
    init(_ violation: HTTP2Violation, _ facts: HeaderFacts) {
        switch violation {
        case .dataAfterEnd: self = .dataAfterEnd
        case .headAfterEnd, .trailersAfterEnd, .interimAfterEnd: self = .headAfterEnd
        case .lengthExceeded: self = .lengthExceeded
        case .lengthShort: self = .lengthShort
        case .trailersWithoutEnd: self = .secondHead
        case .malformedTrailers: self = facts.contains(.pseudoInTrailers) ? .pseudoInTrailers : .brokenTrailers
        case .windowMisused: self = .windowMisused
        default: self = .outOfPlace
        }
    }
}
