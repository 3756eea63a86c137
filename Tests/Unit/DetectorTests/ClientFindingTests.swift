import Facts
import HTTP1
import Testing
import Wire

@testable import Detector

/// What clients do against HTTP's rules: each deed with its kind, its place and its words.
@Suite struct ClientFindingTests {
    private typealias Frame = ClientFinding.Frame

    @Test func eachFlawHasAKindAndItsFields() {
        for (flaw, kind, fields) in [
            (.malformed, .malformedMessage, nil), (.repeated(["host"]), .duplicateField, ["host"]),
            (.length(isRepeated: true), .duplicateField, ["content-length"]),
            (.length(isRepeated: false), .conflictingFraming, ["content-length"]),
            (.framing(["content-length", "transfer-encoding"]), .conflictingFraming, ["content-length", "transfer-encoding"]),
        ] as [(RequestFlaw, Kind, [String]?)] {
            #expect(flaw.kind == kind && flaw.fields == fields, "\(flaw)")
        }
    }

    @Test func ofFrames() {
        for (repeated, facts, flaw) in [
            ([], [], .malformed), ([.path], [], .repeated([":path"])), ([.path], .contentLengthDiffers, .repeated([":path"])),
            ([], .contentLengthRepeated, .length(isRepeated: true)),
            ([], [.contentLengthRepeated, .contentLengthDiffers], .length(isRepeated: false)),
            ([], .contentLengthInvalid, .length(isRepeated: false)),
        ] as [(PseudoFields, HeaderFacts, RequestFlaw)] {
            #expect(RequestFlaw.ofFrames(repeated: repeated, facts) == flaw)
        }
    }

    @Test func aRefusedRequest() {
        let found = ClientFinding.refused(
            .repeated(["host"]), "more than one Host field", status: 400, protocolName: "http/1.1")
        #expect(found.kind == .duplicateField && found.phase == .inHead && found.fields == ["host"])
        #expect(found.reason == "more than one Host field" && found.clientImpact == .none)
    }

    @Test func aResetRequestInWords() {
        func reason(_ flaw: RequestFlaw, _ detail: String? = nil) -> String? {
            ClientFinding.reset(flaw, detail: detail, stream: 3, offset: 9, protocolName: "h2").reason
        }
        #expect(reason(.malformed) == "a request that is not HTTP")
        #expect(reason(.malformed, "with a field (x)") == "a request with a field (x)")
        #expect(
            reason(.repeated([":path", ":scheme"]), "with a field (x)")
                == "a request whose :path, :scheme stands more than once")
        #expect(reason(.length(isRepeated: false)) == "a request whose content-length is not one number")
    }

    @Test func whoseAnswerIsCutIsAborted() {
        func cut(_ cuts: Bool) -> [ClientImpact] {
            [
                ClientFinding.brokenBody(bytes: 1, cuts: cuts, protocolName: "").clientImpact,
                ClientFinding.brokenConnection("", reason: "", cuts: cuts, protocolName: "").clientImpact,
            ]
        }
        #expect(cut(true) == [.aborted, .aborted] && cut(false) == [.none, .none])
    }

    @Test(arguments: ClientFinding.Frame.allCases)
    func aFrame(_ frame: ClientFinding.Frame) {
        let expected: [ClientFinding.Frame: (Kind, Phase)] = [
            .dataAfterEnd: (.bodyAfterEnd, .afterEnd), .headAfterEnd: (.bodyAfterEnd, .afterEnd),
            .lengthExceeded: (.bodyAfterEnd, .afterEnd), .secondHead: (.headerBlockInBody, .inBody),
            .pseudoInTrailers: (.headerBlockInBody, .inBody), .brokenTrailers: (.malformedMessage, .inBody),
            .lengthShort: (.malformedMessage, .inBody), .windowMisused: (.malformedMessage, .inBody),
            .outOfPlace: (.malformedMessage, .inBody),
        ]
        #expect(frame.kind == expected[frame]?.0 && frame.phase == expected[frame]?.1)
        let found = ClientFinding.frame(frame, offset: 9, surplusBytes: 7, fields: ["a"], protocolName: "h2")
        let isSurplus = frame.kind != .malformedMessage
        #expect(found.surplusBytes == (isSurplus ? 7 : nil) && found.secondFields == (isSurplus ? ["a"] : nil))
        #expect(found.connectionOffset == 9)
    }

    /// What a client sends after its request is collected and judged as an upstream's surplus is.
    @Test func afterARequestsEnd() {
        func settled(_ facts: SurplusFacts, _ payload: String, more: String = "") -> ClientFinding {
            var collection = SurplusCollectionTests.frames(.afterEnd, facts, payload: payload)
            let bytes = Array(more.utf8)
            collection.count(UInt64(bytes.count))
            collection.keep(bytes, bytes.count)
            var finding = ClientFinding.frame(.dataAfterEnd, offset: 9, surplusBytes: 0, fields: nil, protocolName: "h2")
            finding.settle(collection, by: SurplusReader.self)
            return finding
        }
        #expect(settled(SurplusFacts(total: 4), "more").severity == .warning)
        #expect(settled(SurplusFacts(total: 2), "\r\n").severity == .info)
        #expect(settled(SurplusFacts(total: 2), "\r\n", more: "\r\n").surplusBytes == 4)
        #expect(settled(SurplusFacts(total: 2), "\r\n", more: "\r\n").severity == .info)
        #expect(settled(SurplusFacts(total: 2), "\r\n", more: "more").severity == .warning)
        #expect(settled(SurplusFacts(total: 5), "\r\n").severity == .warning, "padding, or what nobody has looked at")
        #expect(settled(SurplusFacts(total: 9, blockBytes: 9), "").severity == .warning)
        let many = String(repeating: "\r\n", count: SurplusFacts.keptBytesMax)
        #expect(settled(SurplusFacts(total: 0), "", more: many).severity == .info, "however many")
    }
}
