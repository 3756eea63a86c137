import Detector
import HTTP1
import HTTP2
import Testing
import Wire

@testable import Proxy

/// What the codecs say of a client, in the detector's words: total over both vocabularies.
@Suite struct RequestFlawCodecTests {
    @Test func ofBytes() {
        for (fault, facts, flaw) in [
            (.malformed(.headerTooLarge), [], nil), (.malformed(.tooManyFields), [], nil), (.malformed(.version), [], nil),
            (.missingHost, [], nil), (.malformed(.startLine), [], .malformed), (.repeatedHost, [], .repeated(["host"])),
            (.lengthAndChunked, [], .framing(["content-length", "transfer-encoding"])),
            (.lengthUnusable, .contentLengthRepeated, .length(isRepeated: true)),
            (.lengthUnusable, .contentLengthDiffers, .length(isRepeated: false)),
            // A coding that is not known leaves no doubt where chunked is the last.
            (.transferEncodingUnusable, [.chunked, .otherCoding], nil),
            (.transferEncodingUnusable, .otherCoding, .framing(["transfer-encoding"])),
            (.transferEncodingUnusable, [.chunked, .chunkedRepeated], .framing(["transfer-encoding"])),
            (.transferEncodingInHTTP10, .chunked, .framing(["transfer-encoding"])),
        ] as [(RequestFault, HeaderFacts, RequestFlaw?)] {
            #expect(RequestFlaw(fault, facts) == flaw, "\(fault)")
        }
    }

    @Test(arguments: HTTP2Violation.allCases)
    func ofFrames(_ violation: HTTP2Violation) {
        let expected: [HTTP2Violation: ClientFinding.Frame] = [
            .dataAfterEnd: .dataAfterEnd, .headAfterEnd: .headAfterEnd, .trailersAfterEnd: .headAfterEnd,
            .interimAfterEnd: .headAfterEnd, .lengthExceeded: .lengthExceeded, .lengthShort: .lengthShort,
            .trailersWithoutEnd: .secondHead, .malformedTrailers: .brokenTrailers, .windowMisused: .windowMisused,
        ]
        #expect(ClientFinding.Frame(violation, []) == expected[violation] ?? .outOfPlace)
    }

    @Test func trailersThatBeginLikeARequestAreASecondOne() {
        #expect(ClientFinding.Frame(.malformedTrailers, .pseudoInTrailers) == .pseudoInTrailers)
    }
}
