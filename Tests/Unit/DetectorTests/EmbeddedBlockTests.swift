import Facts
import HTTP1
import Testing

@testable import Detector

/// What began like an answer inside a body: what came after the body, or did not come, makes it a finding.
@Suite struct EmbeddedBlockTests {
    private typealias Past = SurplusCollectionTests.Past

    private let second = "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"

    /// A block of which the first bytes stood within the body, `offset` bytes into it.
    private func block(_ text: some StringProtocol, at offset: UInt64 = 5) -> EmbeddedBlock {
        var block = EmbeddedBlock(offset: offset)
        let bytes = Array(text.utf8)
        block.add(bytes, bytes.count)
        return block
    }

    /// The last so many bytes of the second answer stuck out of the body.
    private func find(sticking count: Int, ordinal: UInt32 = 1, _ note: (inout SurplusCollection<Past>) -> Void = { _ in })
        -> Finding?
    {
        let surplus = SurplusCollectionTests.bytes(.afterEnd, String(second.suffix(count)), note)
        var last = Past(ordinal)
        last.answer.bodyBytes = 40
        return block(second.dropLast(count)).finding(
            explaining: surplus, after: last, by: SurplusReader.self, sampleBytes: 4)
    }

    @Test func aSurplusAsLongAsTheBlockIsProven() throws {
        // All of a second answer was pushed out, as long as it is.
        let text = second
        let surplus = SurplusCollectionTests.bytes(.afterEnd, String(text.suffix(text.utf8.count)))
        var last = Past(1)
        last.answer.bodyBytes = 40
        let found = try #require(
            block("").finding(explaining: surplus, after: last, by: SurplusReader.self, sampleBytes: 4))
        #expect(found.verdict == Verdict(.headerBlockInBody, in: .inBody) && found.proof == .accounting)
        #expect(found.surplusBytes == UInt64(text.utf8.count) && found.sample == Array("HTTP".utf8))
        // The offending bytes begin inside the body, which began 40 bytes before the surplus.
        #expect(found.connectionOffset == 100 - 40 + 5)
        #expect(found.clientImpact == .none)
    }

    @Test func aSurplusOfAnotherLengthIsSuspected() throws {
        let found = try #require(find(sticking: 4))
        #expect(found.verdict == Verdict(.headerBlockInBody, .suspected, in: .inBody) && found.proof == nil)
        #expect(found.surplusBytes == 4 && found.clientImpact == .none)
        guard case .embedded(let facts, bodyOffset: 5) = found.matter else { return #expect(Bool(false)) }
        #expect(facts.status == 500 && facts.messageBytes == UInt64(second.utf8.count))
    }

    @Test func whatIsNoStatusLineExplainsNothing() {
        let surplus = SurplusCollectionTests.bytes(.afterEnd, "more")
        let found = block("HTTP/1.").finding(
            explaining: surplus, after: Past(1), by: SurplusReader.self, sampleBytes: 0)
        #expect(found == nil)
    }

    /// The block may be the answer to an exchange before: then its client has been given it.
    @Test func onAConnectionThatHasServedOthersItWasMisdelivered() throws {
        let surplus = SurplusCollectionTests.bytes(.afterEnd, second)
        func impact(_ ordinal: UInt32, _ before: ClientImpact) -> ClientImpact? {
            var surplus = surplus
            surplus.clientImpact = before
            return block("").finding(
                explaining: surplus, after: Past(ordinal), by: SurplusReader.self, sampleBytes: 0)?.clientImpact
        }
        #expect(impact(1, .none) == ClientImpact.none)
        #expect(impact(2, .none) == .misdelivered)
        #expect(impact(2, .aborted) == .aborted)
    }

    @Test(arguments: [
        ("HTTP/1.1 500 Oops\r\n\r\n", true), ("HTTP/1.1 500 Oops\r\nDa", false), ("HTTP/1.1 103 E\r\n\r\n", false),
        ("HTTP/1.", false),
    ])
    func inABodyThatStopsShort(text: String, isSuspected: Bool) {
        var answer = Answer()
        (answer.bodyBytes, answer.headAt) = (30, 400)
        let found = block(text).finding(
            inCutBodyOf: answer, received: 200, at: 1_000, by: SurplusReader.self, sampleBytes: 4)
        #expect((found != nil) == isSuspected)
        guard let found else { return }
        #expect(found.verdict == Verdict(.headerBlockInBody, .suspected, in: .inBody) && found.clientImpact == .aborted)
        #expect(found.connectionOffset == 200 - 30 + 5 && found.delay == 600 && found.sample == Array("HTTP".utf8))
    }

    @Test func oneAConnectionIsKept() {
        var machine = SurplusCollections<Past>()
        machine.begin(block("HTTP/1."), in: 3)
        machine.addToBlock(Array("1 200".utf8), 5, in: 3)
        machine.addToBlock(Array("no".utf8), 2, in: 4)
        #expect(machine.block(in: 3)?.kept == Array("HTTP/1.1 200".utf8) && machine.block(in: 4) == nil)
        #expect(machine.blockCount == 1 && machine.count == 0)
        machine.forgetBlock(in: 3)
        #expect(machine.block(in: 3) == nil && machine.blockCount == 0)
    }
}
