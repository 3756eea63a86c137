import HTTP2
import Testing

/// However a network cuts them, the same bytes report the same.
@Suite struct CutTests {
    /// What a client may say, right and wrong: padding, CONTINUATIONs, resets, surplus, control frames.
    static let client: [UInt8] =
        Frames.preface + Frames.settings([(4, 100_000)]) + Frames.get(1, "/a", ends: false, with: [("content-length", "9")])
        + Frames.frame(0, 8, 1, [2] + Array("body".utf8) + [0, 0]) + Frames.ping() + Frames.windowUpdate(0, 5)
        + Frames.frame(1, 1, 3, Frames.block(Array(RequestTests.pseudo[..<2])))
        + Frames.frame(9, 0, 3, []) + Frames.frame(9, 4, 3, Frames.block(Array(RequestTests.pseudo[2...])))
        + Frames.data(1, "rest") + Frames.data(1, "x", ends: true) + Frames.get(5, ends: false) + Frames.data(5, "")
        + Frames.reset(5) + Frames.data(1, "late") + Frames.headers(7, [("a", "b")], ends: true)
        + Frames.get(9, ends: false) + Frames.data(9, "more than is declared") + Frames.headers(9, [("t", "u")], ends: true)
        + Frames.frame(0xbe, 0xff, 99, [1, 2, 3]) + Frames.get(11, ends: false, with: [("content-length", "1")])
        + Frames.data(11, "two") + Frames.goAway(0)

    @Test func atEveryByte() {
        let whole = Endpoint(.server)
        whole.receive(Self.client)
        let reported = whole.reported()
        #expect(
            reported == [
                "1: head POST /a", "1: body 4", "3: head GET / end", "1: body 9 end", "5: head POST /", "5: reset 8",
                "1: reset 5 for dataAfterEnd", "7: refused malformed end", "9: head POST /", "9: body 21", "9: trailers end",
                "11: head POST /", "11: reset 1 for lengthExceeded", "0: goAway",
            ])
        let written = whole.output()
        for cut in 0...Self.client.count {
            let server = Endpoint(.server)
            server.receive(Array(Self.client[..<cut]))
            server.receive(Array(Self.client[cut...]))
            #expect(server.reported() == reported, "cut at \(cut)")
            #expect(server.output() == written, "cut at \(cut)")
        }
        let dripping = Endpoint(.server)
        dripping.receiveCut(Self.client)
        #expect(dripping.reported() == reported && dripping.output() == written)
    }

    /// What is left to be given again is never more than a frame.
    @Test func littleIsLeft() {
        let server = Endpoint(.server)
        server.receive(Frames.preface + Frames.settings() + Frames.get(1, ends: false))
        let frame = Frames.frame(0, 8, 1, [200] + [UInt8](repeating: 7, count: 16_383))
        for cut in [9, 10, 11, 5000, 16_200, 16_392] {
            server.receive(Array(frame[..<cut]))
            #expect(server.left <= 9)
            server.receive(Array(frame[cut...]))
            #expect(server.left == 0)
        }
        server.receive(Array(Frames.frame(1, 4, 3, [UInt8](repeating: 0, count: 16_384)).dropLast()))
        #expect(server.left == 16_392)
    }
}
