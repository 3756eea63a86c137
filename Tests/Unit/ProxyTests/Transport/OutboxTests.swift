import Testing

@testable import Proxy

/// What is gathered for one write: its runs in their order, its chunk sizes, its marks.
@Suite struct OutboxTests {
    private func text(_ outbox: borrowing Outbox) -> String {
        var bytes: [UInt8] = []
        for i in 0..<outbox.count {
            bytes += UnsafeRawBufferPointer(start: outbox.runs[i].iov_base, count: outbox.runs[i].iov_len)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func runsLeaveInTheirOrder() {
        var outbox = Outbox()
        outbox.add("abc")
        outbox.add("")
        outbox.add("de")
        #expect(text(outbox) == "abcde")
        let (runs, bytes) = (outbox.count, outbox.byteCount)
        #expect(runs == 2 && bytes == 5, "a run of nothing is none")
    }

    @Test(arguments: [
        (0, "0"), (1, "1"), (9, "9"), (10, "a"), (15, "f"), (16, "10"), (255, "ff"), (256, "100"), (4095, "fff"),
        (4096, "1000"),
        (73_728, "12000"), (0xdead_beef, "deadbeef"), (Int.max, "7fffffffffffffff"),
    ])
    func chunkSizes(_ size: Int, _ digits: String) {
        var outbox = Outbox()
        outbox.addChunkSize(size)
        #expect(text(outbox) == "\(digits)\r\n")
    }

    /// As many as one read can yield; each stays where it is while others follow.
    @Test func severalChunkSizesAtOnce() {
        var outbox = Outbox()
        for size in [0x1_2000, 0x1_1fff, 0, 7] {
            outbox.addChunkSize(size)
            outbox.add("…")
        }
        #expect(text(outbox) == "12000\r\n…11fff\r\n…0\r\n…7\r\n…")
    }

    struct Piece: Sendable {
        var bytes: StaticString
        var inChunks: Bool
        var ended: Bool
        var trailers: StaticString?
        var written: String
        var marksTrailers = false
    }

    static let pieces: [Piece] = [
        Piece(bytes: "abc", inChunks: false, ended: false, written: "abc"),
        Piece(bytes: "abc", inChunks: false, ended: true, written: "abc"),
        Piece(bytes: "", inChunks: false, ended: true, written: ""),
        Piece(
            bytes: "abc", inChunks: false, ended: true, trailers: "etag: 1\r\n", written: "abcetag: 1\r\n", marksTrailers: true),
        Piece(bytes: "abc", inChunks: true, ended: false, written: "3\r\nabc\r\n"),
        Piece(bytes: "", inChunks: true, ended: false, written: ""),
        Piece(bytes: "abc", inChunks: true, ended: true, written: "3\r\nabc\r\n0\r\n\r\n"),
        Piece(bytes: "", inChunks: true, ended: true, written: "0\r\n\r\n"),
        Piece(bytes: "", inChunks: true, ended: true, trailers: "etag: 1\r\n", written: "0\r\netag: 1\r\n\r\n"),
    ]

    @Test(arguments: pieces)
    func piecesOfABody(_ piece: Piece) {
        var outbox = Outbox()
        let trailers = piece.trailers.map { UnsafeBufferPointer(start: $0.utf8Start, count: $0.utf8CodeUnitCount) }
        outbox.addBody(
            piece.bytes.utf8Start, piece.bytes.utf8CodeUnitCount, inChunks: piece.inChunks, ended: piece.ended,
            trailers: trailers)
        let marksTrailers = outbox.endsWithTrailers
        #expect(text(outbox) == piece.written && marksTrailers == piece.marksTrailers)
    }

    @Test func whatLeftIsForgotten() {
        var outbox = Outbox()
        for _ in 0..<100 {
            outbox.addChunkSize(0xfffff)
            outbox.add("x")
            (outbox.beginsWithHead, outbox.endsWithTrailers, outbox.endsMessage) = (true, true, true)
            outbox.clear()
            let isEmpty = outbox.isEmpty
            let marks = [outbox.beginsWithHead, outbox.endsWithTrailers, outbox.endsMessage]
            #expect(isEmpty && marks == [false, false, false])
        }
    }

    /// An end alone is something to send: a stream's last frame may have no bytes.
    @Test func anEndIsNotNothing() {
        var outbox = Outbox()
        var isEmpty = outbox.isEmpty
        #expect(isEmpty)
        outbox.endsMessage = true
        isEmpty = outbox.isEmpty
        #expect(!isEmpty)
    }
}
