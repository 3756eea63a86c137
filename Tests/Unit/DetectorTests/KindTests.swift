import Detector
import Testing

/// The closed set of kinds, and what each says of itself.
@Suite struct KindTests {
    @Test func names() {
        let names: Set<String> = [
            "second_response", "header_block_in_body", "late_interim", "body_after_end", "misdelivered_response",
            "duplicate_field",
            "conflicting_framing", "truncated_response", "stalled_response", "hangup_after_end", "malformed_message",
            "application_double_send",
        ]
        #expect(Set(Kind.allCases.map(\.rawValue)) == names)
    }

    @Test func severities() {
        let errors: Set<Kind> = [.secondResponse, .headerBlockInBody, .misdeliveredResponse]
        for kind in Kind.allCases {
            #expect(kind.severity == (errors.contains(kind) ? .error : kind == .hangupAfterEnd ? .info : .warning), "\(kind)")
            #expect(Verdict(kind, in: .idle).severity == kind.severity)
            #expect(Verdict(kind, severity: .info, in: .idle).severity == .info)
        }
    }

    @Test func certainties() {
        for kind in Kind.allCases {
            switch kind {
            case .hangupAfterEnd: #expect(kind.certainties == [.suspected])
            case .headerBlockInBody, .misdeliveredResponse, .stalledResponse, .applicationDoubleSend:
                #expect(Set(kind.certainties) == [.proven, .suspected])
            default: #expect(kind.certainties == [.proven], "\(kind)")
            }
        }
    }

    /// Which kinds prove a handler that answers twice, so that its server is quarantined.
    @Test func doubleSends() {
        let doubleSends: Set<Kind> = [.secondResponse, .headerBlockInBody, .lateInterim, .bodyAfterEnd, .misdeliveredResponse]
        for kind in Kind.allCases { #expect(kind.isDoubleSend == doubleSends.contains(kind), "\(kind)") }
    }

    @Test func wordsOfTheRecord() {
        #expect(
            Phase.inHead.rawValue == "in_head" && Phase.inBody.rawValue == "in_body" && Phase.afterEnd.rawValue == "after_end")
        #expect(Phase.idle.rawValue == "idle" && Phase.nextExchange.rawValue == "next_exchange")
        #expect(ClientImpact.badGateway.rawValue == "bad_gateway" && ClientImpact.misdelivered.rawValue == "misdelivered")
        #expect(Proof.unacknowledgedRequest.rawValue == "unacknowledged_request" && Proof.requestID.rawValue == "request_id")
        #expect(ViolationPolicy.allCases.map(\.rawValue) == ["observe", "contain", "fail"])
    }
}
