import Facts
import HTTP1
import Testing

@testable import Detector

/// What has been collected comes to, in bytes and in frames.
@Suite struct SurplusCollectionTests {
    typealias Collection = SurplusCollection<Past>

    struct Past: RememberedExchange, Equatable {
        var answer = Answer()
        var ordinal: UInt32
        var sort: UInt32
        static func == (one: Past, other: Past) -> Bool { one.ordinal == other.ordinal }

        init(_ ordinal: UInt32, sort: UInt32 = 7, headAt: UInt64 = 0, endedAt: UInt64 = 0) {
            self.ordinal = ordinal
            self.sort = sort
            answer.status = 200
            (answer.headAt, answer.endedAt) = (headAt, endedAt)
        }
    }

    static let second = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"
    static let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    static let notice = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"

    static func bytes(_ place: SurplusPlace, _ text: String, _ note: (inout Collection) -> Void = { _ in }) -> Collection {
        var collection = Collection(place, connectionOffset: 100, startedAt: 1_000)
        let bytes = Array(text.utf8)
        collection.add(bytes, bytes.count)
        note(&collection)
        return collection
    }

    static func frames(_ place: SurplusPlace, _ facts: SurplusFacts, payload: String = "") -> Collection {
        var collection = Collection(place, connectionOffset: 100, startedAt: 1_000, frames: facts)
        let bytes = Array(payload.utf8)
        collection.keep(bytes, bytes.count)
        return collection
    }

    static func settle(
        _ collection: Collection, closed: Bool = false, untimed: Bool = false, sampleBytes: Int = 0
    ) -> Finding? {
        var collection = collection
        return collection.settle(by: SurplusReader.self, closed: closed, untimed: untimed, sampleBytes: sampleBytes)
    }

    /// What an HTTP/2 codec says of a header block in so many bytes of frames.
    static func head(_ status: Int, bytes: UInt64) -> SurplusFacts {
        SurplusFacts(total: bytes, status: status, fields: ["date"], blockBytes: bytes, beginsLikeHeaderBlock: true)
    }

    // MARK: Verdicts

    struct Case: Sendable, CustomTestStringConvertible {
        var place: SurplusPlace
        var text: String
        /// The same on a stream, where that can be.
        var frames: (SurplusFacts, String)?
        var expected: Verdict
        var testDescription: String { "\(place) \(text.debugDescription)" }

        init(_ place: SurplusPlace, _ text: String, _ expected: Verdict, frames: (SurplusFacts, String)? = nil) {
            (self.place, self.text, self.frames, self.expected) = (place, text, frames, expected)
        }
    }

    static let cases = [
        Case(.afterEnd, second, Verdict(.secondResponse, in: .afterEnd), frames: (head(500, bytes: 20), "")),
        Case(.idle, second, Verdict(.secondResponse, in: .idle), frames: (head(500, bytes: 20), "")),
        Case(.idle, interim, Verdict(.lateInterim, in: .idle), frames: (head(103, bytes: 9), "")),
        Case(.afterEnd, "more", Verdict(.bodyAfterEnd, in: .afterEnd), frames: (SurplusFacts(total: 4), "more")),
        Case(
            .afterEnd, "\r\n", Verdict(.bodyAfterEnd, severity: .info, in: .afterEnd),
            frames: (SurplusFacts(total: 2), "\r\n")),
        Case(.inChunkedBody, interim, Verdict(.lateInterim, in: .inBody), frames: (head(103, bytes: 9), "")),
        Case(.inChunkedBody, second, Verdict(.headerBlockInBody, in: .inBody), frames: (head(500, bytes: 20), "")),
        Case(.inChunkedBody, "oops", Verdict(.malformedMessage, in: .inBody), frames: (SurplusFacts(total: 0), "")),
        Case(.inAnswer, "HTTP/9", Verdict(.malformedMessage, in: .inHead), frames: (head(200, bytes: 20), "")),
        Case(.beforeAnswer, "\n", Verdict(.bodyAfterEnd, severity: .info, in: .nextExchange, by: .previous)),
        Case(.beforeAnswer, "garbage", Verdict(.bodyAfterEnd, in: .nextExchange, by: .previous)),
    ]

    @Test(arguments: cases)
    func theSameInBytesAndInFrames(_ one: Case) throws {
        let found = try #require(Self.settle(Self.bytes(one.place, one.text)))
        #expect(found.verdict == one.expected)
        #expect(found.surplusBytes == (one.expected.kind == .malformedMessage ? nil : UInt64(one.text.utf8.count)))
        #expect(found.connectionOffset == 100)
        guard let (facts, payload) = one.frames else { return }
        let framed = try #require(Self.settle(Self.frames(one.place, facts, payload: payload)))
        #expect(framed.verdict == one.expected)
        #expect(framed.surplusBytes == (one.expected.kind == .malformedMessage ? nil : facts.total))
    }

    @Test func aTimeoutsNoticeIsInnocentOnceTheCloseIsThere() {
        #expect(Self.settle(Self.bytes(.idle, Self.notice), closed: true) == nil)
        #expect(Self.settle(Self.bytes(.idle, Self.notice), closed: false)?.verdict.kind == .secondResponse)
        #expect(Self.settle(Self.bytes(.afterEnd, Self.notice), closed: true)?.verdict.kind == .secondResponse)
        #expect(Self.settle(Self.bytes(.afterEnd, Self.notice), closed: true, untimed: true) == nil)
    }

    @Test func whatIsMalformedIsShownWithItsReason() throws {
        let garbage = Self.bytes(.inAnswer, "garbage") {
            $0.reason = "no status line"
            $0.clientImpact = .badGateway
        }
        let found = try #require(Self.settle(garbage, sampleBytes: 3))
        #expect(found.reason == "no status line" && found.shown == Array("garbage".utf8) && found.sample == Array("gar".utf8))
        #expect(found.clientImpact == .badGateway)
        let surplus = Self.bytes(.afterEnd, "garbage") { $0.reason = "no status line" }
        let other = try #require(Self.settle(surplus))
        #expect(other.reason == nil && other.shown.isEmpty && other.sample.isEmpty)
    }

    // MARK: Where an answer is due

    @Test func whatStandsBeforeAnAnswerEndsWhereThatBegins() {
        let found = Self.settle(Self.bytes(.beforeAnswer, "more" + Self.second))
        #expect(found?.verdict.kind == .bodyAfterEnd && found?.surplusBytes == 4)
        // A stray that was there before the request has its own length; the request's answer comes after it.
        let stray = Self.bytes(.beforeAnswer, Self.second + Self.interim) { $0.leftBeforeRequest = true }
        let other = Self.settle(stray)
        #expect(other?.verdict.kind == .misdeliveredResponse && other?.surplusBytes == UInt64(Self.second.utf8.count))
    }

    @Test func anotherExchangesAnswer() {
        func found(_ mark: Collection.Mark?, _ text: String = Self.second) -> Finding? {
            Self.settle(
                Self.bytes(.beforeAnswer, text) {
                    $0.leftBeforeRequest = true
                    $0.mark = mark
                })
        }
        #expect(found(nil)?.proof == .unacknowledgedRequest && found(nil)?.verdict.certainty == .proven)
        #expect(found(.of(3))?.proof == .requestID && found(.of(3))?.verdict.certainty == .proven)
        // Without a mark it is another's for certain when the request's own answer has come after it.
        let own = Array("0123".utf8)
        #expect(found(.missing(own: own))?.verdict.certainty == .suspected)
        let answered = Self.second + "HTTP/1.1 200 OK\r\nSendOnce-Id: 0123\r\n\r\n"
        #expect(found(.missing(own: own), answered)?.verdict.certainty == .proven)
        #expect(found(.missing(own: own), answered)?.surplusBytes == UInt64(Self.second.utf8.count))
    }

    // MARK: Limits

    @Test func theBeginningIsKeptAndAllIsCounted() {
        var collection = Collection(.idle, connectionOffset: 0, startedAt: 0)
        let piece = [UInt8](repeating: 0x20, count: 5_000)
        for read in 0..<100 { collection.add(piece, piece.count, at: UInt64(read) * 10) }
        #expect(collection.kept.count == SurplusFacts.keptBytesMax && collection.total == 500_000)
        #expect(collection.time(of: 4_999) == 0 && collection.time(of: 5_000) == 10)
        #expect(collection.time(of: 499_999) == UInt64(Collection.readsMax - 1) * 10, "later reads are not told apart")
        #expect(!collection.isFull)
        collection.count(Collection.countedBytesMax)
        #expect(collection.isFull)
    }

    @Test func lineEndsAreHarmlessHoweverMany() {
        let piece = [UInt8](repeating: 0x0a, count: 5_000)
        var bytes = Collection(.idle, connectionOffset: 0, startedAt: 0)
        var frames = Self.frames(.idle, SurplusFacts(total: 0))
        for _ in 0..<9 {
            bytes.add(piece, piece.count)
            frames.count(UInt64(piece.count))
            frames.keep(piece, piece.count)
        }
        #expect(Self.settle(bytes)?.verdict.severity == .info && Self.settle(frames)?.verdict.severity == .info)
        bytes.add(Array("x".utf8), 1)
        frames.count(1)
        #expect(Self.settle(bytes)?.verdict.severity == .warning && Self.settle(frames)?.verdict.severity == .warning)
    }

    @Test func moreFramesAreCountedAndAHeaderBlocksPayloadIsNotKept() {
        var head = Self.frames(.idle, Self.head(500, bytes: 20), payload: "packed fields")
        head.count(30)
        #expect(head.kept.isEmpty && Self.settle(head)?.surplusBytes == 50)
        var lines = Self.frames(.idle, SurplusFacts(total: 2), payload: "\r\n")
        lines.count(2)
        #expect(Self.settle(lines)?.verdict.severity == .warning, "two more bytes are not known yet")
        lines.keep(Array("\r\n".utf8), 2)
        #expect(Self.settle(lines)?.verdict.severity == .info)
    }
}
