import Detector
import Testing
import Wire

/// Header blocks that say something twice, or contradict themselves about where their message ends.
@Suite struct HeadJudgementTests {
    private let length = HeaderFacts.contentLength
    private let chunked: HeaderFacts = [.transferEncoding, .chunked]

    @Test func framingsThatAgree() {
        for status in [200, 206, 304, 404, 500] {
            for facts in [[], length, [length, .contentLengthRepeated], chunked, [chunked, .otherCoding]] as [HeaderFacts] {
                #expect(!Judge.isConflicting(facts, status: status), "\(status) \(facts)")
            }
        }
        for status in [100, 103, 204] {
            #expect(!Judge.isConflicting([], status: status))
            #expect(!Judge.isConflicting(length, status: status), "a length without a body is not in the set")
        }
    }

    @Test func framingsThatContradict() {
        for facts in [
            [length, .contentLengthDiffers], [length, .contentLengthRepeated, .contentLengthDiffers], .contentLengthInvalid,
            [length, .contentLengthInvalid], [chunked, length], .transferEncoding, [.transferEncoding, .otherCoding],
            [.transferEncoding, .otherCoding, length],
        ] as [HeaderFacts] {
            #expect(Judge.isConflicting(facts, status: 200), "\(facts)")
        }
        // A coding that does not end in chunked is no contradiction where the connection's end ends it (RFC 9112 section 6.1).
        #expect(!Judge.isConflicting([.transferEncoding, .otherCoding], status: 200, endsConnection: true))
        #expect(!Judge.isConflicting([.transferEncoding, .identityCoding], status: 200, endsConnection: true))
        #expect(Judge.isConflicting([.transferEncoding, .identityCoding], status: 200))
        #expect(Judge.isConflicting([.transferEncoding, .otherCoding, length], status: 200, endsConnection: true))
        #expect(Judge.isConflicting([.transferEncoding, .identityCoding, length], status: 200, endsConnection: true))
        // RFC 9112 section 6.1: neither may have a Transfer-Encoding.
        for status in [100, 101, 103, 199, 204] { #expect(Judge.isConflicting(chunked, status: status), "\(status)") }
    }

    private func bits(_ names: FieldName...) -> UInt32 { names.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }

    @Test func verdicts() {
        let conflict = Verdict(.conflictingFraming, in: .inHead)
        let duplicate = Verdict(.duplicateField, in: .inHead)
        #expect(Judge.head([], duplicates: 0, status: 200) == [])
        #expect(Judge.head(length, duplicates: bits(.date), status: 200) == [duplicate])
        #expect(Judge.head(length, duplicates: bits(.date, .etag), status: 200) == [duplicate], "one record names them all")
        #expect(Judge.head([chunked, length], duplicates: 0, status: 200) == [conflict])
        #expect(Judge.head([chunked, length], duplicates: bits(.location), status: 200) == [conflict, duplicate])
        // Lengths that differ are told once, equal ones are a repetition.
        let differ: HeaderFacts = [length, .contentLengthDiffers]
        #expect(Judge.head(differ, duplicates: bits(.contentLength), status: 200) == [conflict])
        #expect(Judge.head(differ, duplicates: bits(.contentLength, .date), status: 200) == [conflict, duplicate])
        #expect(Judge.head([length, .contentLengthRepeated], duplicates: bits(.contentLength), status: 200) == [duplicate])
    }
}
