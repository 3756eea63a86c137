import Testing

@testable import Capture

/// What one exchange on a tape costs, and how a long body becomes one run.
struct TapedExchangeTests {
    private func piece(_ parts: [TapePart], fromUpstream: Bool = true, at time: UInt64 = 1) -> TapePiece {
        TapePiece(isFromUpstream: fromUpstream, nanoseconds: time, parts: parts)
    }

    @Test(
        arguments: [
            (.bytes([1, 2, 3]), 35, 3), (.body(1000), 32, 1000), (.stray([1]), 33, 1), (.fin, 32, 0), (.reset, 32, 0),
            (.bytes([]), 32, 0),
        ] as [(TapePart, Int, Int)])
    func whatAPartCosts(_ part: TapePart, _ kept: Int, _ written: Int) {
        var exchange = TapedExchange()
        exchange.append(piece([part]))
        #expect(exchange.keptBytes == kept && exchange.writtenBytes == written && exchange.pieces.count == 1)
    }

    /// A body of any length costs as little as a small one: its reads are one run, as long as nothing else comes between.
    @Test func bodiesRunTogether() {
        var exchange = TapedExchange()
        for time in 1...100 as ClosedRange<UInt64> { exchange.append(piece([.body(1000)], at: time)) }
        #expect(
            exchange.pieces.count == 1 && exchange.pieces[0].parts == [.body(100_000)] && exchange.pieces[0].nanoseconds == 1)
        #expect(exchange.keptBytes == 32 && exchange.writtenBytes == 100_000)
        // The other side, other bytes, and pieces of several parts begin anew.
        exchange.append(piece([.body(1)], fromUpstream: false))
        exchange.append(piece([.bytes([9])]))
        exchange.append(piece([.body(2)]))
        exchange.append(piece([.body(3), .bytes([8])]))
        exchange.append(piece([.body(4)]))
        #expect(
            exchange.pieces.map(\.parts) == [
                [.body(100_000)], [.body(1)], [.bytes([9])], [.body(2)], [.body(3), .bytes([8])], [.body(4)],
            ])
        #expect(exchange.keptBytes == 7 * 32 + 2)
        #expect(exchange.writtenBytes == 100_000 + 1 + 1 + 2 + 3 + 1 + 4)
    }
}
