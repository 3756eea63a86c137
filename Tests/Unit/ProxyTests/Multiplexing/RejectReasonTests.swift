import HTTP2
import Report
import Testing

@testable import Proxy

/// Why an HTTP/2 connection or request came to nothing, as the metrics count it: total over the codec's words.
@Suite struct RejectReasonTests {
    @Test(
        arguments: [
            (.preface, .malformedFrames), (.protocolError, .malformedFrames), (.flowControlError, .malformedFrames),
            (.frameSizeError, .malformedFrames), (.compressionError, .malformedFrames), (.streamClosed, .malformedFrames),
            (.lateHeadFlood, .malformedFrames), (.rapidReset, .rapidReset), (.continuationFlood, .continuationFlood),
            (.settingsFlood, .settingsFlood), (.pingFlood, .pingFlood), (.emptyDataFlood, .emptyDataFlood),
            (.priorityFlood, .priorityFlood), (.windowUpdateFlood, .windowUpdateFlood), (.headerBomb, .headerTooLarge),
        ] as [(HTTP2Failure, RejectReason)])
    func connections(_ failure: HTTP2Failure, _ reason: RejectReason) { #expect(RejectReason(failure) == reason) }

    @Test(
        arguments: [
            (.malformed, .malformedRequest), (.headerTooLarge, .headerTooLarge), (.tooManyFields, .headerTooLarge),
            (.tooManyStreams, .tooManyStreams),
        ] as [(HTTP2Refusal, RejectReason)])
    func requests(_ refusal: HTTP2Refusal, _ reason: RejectReason) { #expect(RejectReason(refusal) == reason) }
}
