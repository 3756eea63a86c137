import Chance
import HTTP1
import Testing

/// Status lines inside Content-Length bodies, wherever the pieces are cut.
@Suite struct EmbeddedStatusLineTests {
    /// Where a status line begins, counted from the first byte of all pieces.
    private func find(_ pieces: [[UInt8]]) -> Int? {
        var finder = EmbeddedStatusLine()
        var before = 0
        for piece in pieces {
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: piece.count)
            defer { memory.deallocate() }
            memory.initialize(from: piece, count: piece.count)
            if let at = finder.find(memory, count: piece.count) { return before + at }
            before += piece.count
        }
        return nil
    }

    private func naive(_ bytes: [UInt8]) -> Int? {
        let wanted = Array("HTTP/1.".utf8)
        guard bytes.count >= wanted.count else { return nil }
        return (0...bytes.count - wanted.count).first { Array(bytes[$0..<$0 + wanted.count]) == wanted }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK", "xxHTTP/1.1 200 OK", "HHTTP/1.1", "HTTHTTP/1.", "HTTP/HTTP/1.0", "HTTP/2 HTTP/1", "HTTP/1", "",
        "HTTP/1.",
        "no such thing", "HTTP/0.9HTTP/1.1",
        "a body of more than twenty bytes, then HTTP/1.1 200 OK and more than twenty again",
    ])
    func cutAtEveryByte(text: String) {
        let bytes = Array(text.utf8)
        for pieces in everyCutting(of: bytes) { #expect(find(pieces) == naive(bytes), "\(pieces.first?.count ?? 0)") }
        for first in 0...bytes.count {
            for second in first...bytes.count {
                let pieces = [Array(bytes[..<first]), Array(bytes[first..<second]), Array(bytes[second...])]
                #expect(find(pieces) == naive(bytes), "\(first), \(second)")
            }
        }
    }

    /// At every offset of the vectors that the search looks at.
    @Test func atEveryOffset() {
        for offset in 0..<70 {
            for behind in 0..<40 {
                let bytes =
                    [UInt8](repeating: 0x48, count: offset) + Array("HTTP/1.".utf8) + [UInt8](repeating: 0x2f, count: behind)
                #expect(find([bytes]) == offset, "\(offset), \(behind)")
            }
        }
    }

    @Test(arguments: 0..<300) func randomPieces(seed: UInt64) {
        var chance = Chance(seed: seed)
        let alphabet = Array("HTTP/1.1HTP/".utf8)
        let bytes = (0..<chance.below(200)).map { _ in chance.pick(alphabet) } + (chance.oneIn(2) ? Array("HTTP/1.0".utf8) : [])
        var pieces: [[UInt8]] = []
        var at = 0
        while at < bytes.count {
            let next = min(bytes.count, at + 1 + chance.below(chance.pick([3, 30, 100])))
            pieces.append(Array(bytes[at..<next]))
            at = next
        }
        #expect(find(pieces) == naive(bytes))
    }

    @Test func theBeginningAtTheEndOfABody() {
        var finder = EmbeddedStatusLine()
        let bytes = Array("bodyHTTP".utf8)
        #expect(finder.find(bytes, count: bytes.count) == nil && finder.matched == 4)
        #expect(finder.find(Array("/".utf8), count: 1) == nil && finder.matched == 5)
        #expect(finder.find(Array("x".utf8), count: 1) == nil && finder.matched == 0)
    }
}
