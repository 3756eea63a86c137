import Chance
import HTTP2
import Testing

/// What an upstream may not send: told as facts, and no other stream is the worse for it.
@Suite struct ViolationTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var method = "GET"
        /// What the upstream sends on stream 1, behind its SETTINGS.
        var bytes: [UInt8]
        var reported: [String]
        var body = ""
        var status = 0
        var fields: [String] = []
        var testDescription: String { name }
    }

    static func head(_ status: Int, _ more: [(String, String)] = [], ends: Bool = false) -> [UInt8] {
        Frames.headers(1, [(":status", "\(status)")] + more, ends: ends)
    }

    static let second = head(500, [("content-type", "text/html"), ("x", "y")])
    static let secondCount = second.count - 9

    static let cases: [Case] = [
        Case(
            name: "DATA after END_STREAM", bytes: head(200) + Frames.data(1, "ok", ends: true) + Frames.data(1, "again"),
            reported: ["1: head 200", "1: body 2 end", "1: violation dataAfterEnd 5"], body: "ok"),
        Case(
            name: "HEADERS after END_STREAM", bytes: head(200) + Frames.data(1, "ok", ends: true) + second,
            reported: ["1: head 200", "1: body 2 end", "1: violation headAfterEnd \(secondCount)"], body: "ok", status: 500,
            fields: ["content-type: text/html", "x: y"]),
        Case(
            name: "interim after END_STREAM", bytes: head(200, ends: true) + head(103),
            reported: ["1: head 200 end", "1: violation interimAfterEnd 13"], status: 103),
        Case(
            name: "fields after END_STREAM", bytes: head(200, ends: true) + Frames.headers(1, [("x", "y")], ends: true),
            reported: ["1: head 200 end", "1: violation trailersAfterEnd 5"], fields: ["x: y"]),
        Case(
            name: "a second final header block", bytes: head(200) + second + Frames.data(1, "body", ends: true),
            reported: ["1: head 200", "1: violation headInBody \(secondCount)", "1: body 4 end"], body: "body", status: 500,
            fields: ["content-type: text/html", "x: y"]),
        Case(
            name: "a second final header block between DATA",
            bytes: head(200) + Frames.data(1, "pa") + second + Frames.data(1, "rt", ends: true),
            reported: ["1: head 200", "1: body 2", "1: violation headInBody \(secondCount)", "1: body 4 end"], body: "part",
            status: 500, fields: ["content-type: text/html", "x: y"]),
        Case(
            name: "interim behind the final header block", bytes: head(200) + head(100) + Frames.data(1, "x", ends: true),
            reported: ["1: head 200", "1: violation interimInBody 13", "1: body 1 end"], body: "x", status: 100),
        Case(
            name: ":status in trailers",
            bytes: head(200) + Frames.data(1, "x") + Frames.headers(1, [(":status", "200"), ("a", "b")], ends: true),
            reported: ["1: head 200", "1: body 1", "1: violation statusInTrailers 18 end"], body: "x", status: 200,
            fields: ["a: b"]
        ),
        Case(
            name: ":status behind a field in trailers",
            bytes: head(200) + Frames.data(1, "x") + Frames.headers(1, [("a", "b"), (":status", "404")], ends: true),
            reported: ["1: head 200", "1: body 1", "1: violation statusInTrailers 18 end"], body: "x", status: 404,
            fields: ["a: b"]
        ),
        Case(
            name: "trailers without END_STREAM",
            bytes: head(200) + Frames.headers(1, [("a", "b")]) + Frames.data(1, "x", ends: true),
            reported: ["1: head 200", "1: violation trailersWithoutEnd 5", "1: body 1 end"], body: "x", fields: ["a: b"]),
        Case(
            name: "past content-length in one frame",
            bytes: head(200, [("content-length", "5")]) + Frames.data(1, "firstsecond", ends: true),
            reported: ["1: head 200", "1: body 5", "1: violation lengthExceeded 6 end"], body: "first"),
        Case(
            name: "past content-length in later frames",
            bytes: head(200, [("content-length", "5")]) + Frames.data(1, "first") + Frames.data(1, "sec")
                + Frames.data(1, "ond") + Frames.data(1, "", ends: true),
            reported: [
                "1: head 200", "1: body 5", "1: violation lengthExceeded 3", "1: violation lengthExceeded 3", "1: body 5 end",
            ], body: "first"),
        Case(
            name: "short of content-length",
            bytes: head(200, [("content-length", "5")]) + Frames.data(1, "fir", ends: true),
            reported: ["1: head 200", "1: body 3", "1: violation lengthShort 0 end"], body: "fir"),
        Case(
            name: "short of content-length, by an empty frame",
            bytes: head(200, [("content-length", "5")]) + Frames.data(1, "fir") + Frames.data(1, "", ends: true),
            reported: ["1: head 200", "1: body 3", "1: violation lengthShort 0 end"], body: "fir"),
        Case(
            name: "content-length and no body at all", bytes: head(200, [("content-length", "5")], ends: true),
            reported: ["1: head 200", "1: violation lengthShort 0 end"]),
        Case(
            name: "trailers in place of the rest",
            bytes: head(200, [("content-length", "5")]) + Frames.data(1, "fir") + Frames.headers(1, [("a", "b")], ends: true),
            reported: ["1: head 200", "1: body 3", "1: violation lengthShort 5 end"], body: "fir", fields: ["a: b"]),
        Case(
            name: "DATA for HEAD", method: "HEAD",
            bytes: head(200, [("content-length", "5")]) + Frames.data(1, "first", ends: true),
            reported: ["1: head 200", "1: violation dataOnBodiless 5 end"]),
        Case(
            name: "DATA with 204", bytes: head(204) + Frames.data(1, "a") + Frames.data(1, "bc", ends: true),
            reported: ["1: head 204", "1: violation dataOnBodiless 1", "1: violation dataOnBodiless 2 end"]),
        Case(
            name: "DATA with 304", bytes: head(304) + Frames.data(1, "a", ends: true),
            reported: ["1: head 304", "1: violation dataOnBodiless 1 end"]),
        Case(
            name: "DATA before any header block", bytes: Frames.data(1, "abc", ends: true) + head(200, ends: true),
            reported: ["1: violation dataBeforeHead 3 resets"]),
        Case(
            name: "a header block without :status", bytes: Frames.headers(1, [("a", "b")]) + Frames.data(1, "x", ends: true),
            reported: ["1: violation malformedHead 5 resets"], fields: ["a: b"]),
        Case(
            name: "an upper-case field name", bytes: head(200, [("Content-Type", "text/html")]),
            reported: ["1: violation malformedHead 37 resets"], status: 200),
        Case(
            name: "a line end in a field value", bytes: head(200, [("a", "b\r\nc: d")]),
            reported: ["1: violation malformedHead 24 resets"], status: 200),
        Case(
            name: "Transfer-Encoding", bytes: head(200, [("transfer-encoding", "chunked")]),
            reported: ["1: violation malformedHead 40 resets"], status: 200),
        Case(name: "101", bytes: head(101), reported: ["1: violation malformedHead 13 resets"], status: 101),
        Case(
            name: "an interim that ends the stream", bytes: head(103, ends: true),
            reported: ["1: violation malformedHead 13 resets end"], status: 103),
        Case(
            name: "a malformed trailer section",
            bytes: head(200) + Frames.data(1, "x") + Frames.headers(1, [("A", "b")], ends: true),
            reported: ["1: head 200", "1: body 1", "1: violation malformedTrailers 5 end"], body: "x"),
        Case(
            name: "an answer that nobody asked for", bytes: Frames.headers(9, [(":status", "200")]) + Frames.data(9, "abc"),
            reported: ["9: violation unrequestedHead 13", "9: violation unrequestedData 3"], status: 200),
    ]

    @Test(arguments: cases, [false, true])
    func isReported(_ story: Case, isCut: Bool) throws {
        let upstream = Endpoint(.client)
        upstream.request("\(story.method) / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = upstream.output()
        let bytes = Frames.settings() + story.bytes
        if isCut { upstream.receiveCut(bytes) } else { upstream.receive(bytes) }
        #expect(upstream.reported() == story.reported)
        #expect(upstream.bodies[1] ?? [] == Array(story.body.utf8))
        let first = try #require(upstream.violations.first)
        #expect(first.status == story.status && first.fields == story.fields)
        // The frame stands where the fact says.
        let at = Int(first.step.offset)
        if first.step.event != .violation(.lengthShort) {
            #expect([0, 1].contains(bytes[at + 3]) && bytes[at + 8] == UInt8(first.step.stream))
        }
        // The connection goes on, and header blocks are still understood.
        let id = upstream.request("GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
        upstream.receive(Frames.headers(UInt32(id), [(":status", "200")]) + Frames.data(UInt32(id), "next", ends: true))
        #expect(upstream.reported() == ["\(id): head 200", "\(id): body 4 end"])
        let types = Frames.parse(upstream.output()).map(\.type)
        #expect(!types.contains(7))
        #expect(types.contains(3) == story.reported.last!.contains("resets"))
    }

    /// What comes before a request has been written is no answer to it, whatever its stream; what comes after that is.
    @Test func aRequestThatHasNotBeenWrittenIsNotAnswered() {
        let upstream = Endpoint(.client)
        upstream.receive(Frames.settings())
        _ = upstream.output()
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(upstream.session.sendRequest(head, head.count, isTLS: false, ended: true, tag: 7) == 1)
        upstream.receive(Self.head(200) + Frames.data(1, "early", ends: true))
        #expect(upstream.reported() == ["1: violation unrequestedHead 13", "1: violation unrequestedData 5"])
        #expect(upstream.session.openStreams == 1 && upstream.violations.allSatisfy { $0.step.tag == -1 })
        // Of what is written in parts, the first byte counts: a header block of many frames may be answered before its last.
        var byte: UInt8 = 0
        #expect(upstream.session.write(into: &byte, capacity: 1) == 1)
        upstream.receive(Self.head(200) + Frames.data(1, "its own", ends: true))
        #expect(upstream.reported() == ["1: head 200", "1: body 7 end"])
        #expect(upstream.session.openStreams == 0)
    }

    /// Nobody resets, or opens the window of, a stream of which he has not heard.
    @Test(arguments: [Frames.reset(1, 8), Frames.windowUpdate(1, 9)])
    func aRequestThatHasNotBeenWrittenIsIdle(frame: [UInt8]) {
        let upstream = Endpoint(.client)
        upstream.receive(Frames.settings())
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        #expect(upstream.session.sendRequest(head, head.count, isTLS: false, ended: true, tag: 7) == 1)
        upstream.receive(frame)
        #expect(upstream.reported() == ["0: failed protocolError"])
    }

    @Test func innocentAnswers() {
        let upstream = Endpoint(.client)
        for method in ["HEAD", "GET", "GET", "GET", "GET"] { upstream.request("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n") }
        upstream.receive(Frames.settings())
        upstream.receive(Self.head(200, [("content-length", "5")]) + Frames.data(1, "", ends: true))
        upstream.receive(Frames.headers(3, [(":status", "304"), ("content-length", "9")], ends: true))
        upstream.receive(Frames.headers(5, [(":status", "103")]) + Frames.headers(5, [(":status", "100")]))
        upstream.receive(Frames.headers(5, [(":status", "200")]) + Frames.data(5, "HTTP/1.1 200 OK\r\n\r\n"))
        upstream.receive(Frames.headers(5, [("etag", "x")], ends: true))
        upstream.receive(Frames.headers(7, [(":status", "200"), ("content-length", "0")], ends: true) + Frames.reset(7, 0))
        upstream.receive(Frames.headers(9, [(":status", "200"), (":status", "500"), ("date", "a"), ("date", "b")], ends: true))
        // A second END_STREAM without payload says nothing new.
        upstream.receive(Frames.data(7, "", ends: true))
        #expect(upstream.violations.isEmpty)
        #expect(
            upstream.reported() == [
                "1: head 200", "1: body 0 end", "3: head 304 end", "5: interim 103", "5: interim 100", "5: head 200",
                "5: body 19",
                "5: trailers end", "7: head 200 end", "9: head 200 end",
            ])
        #expect(upstream.session.openStreams == 0)
    }

    /// What was on its way when we reset a stream accuses nobody; what comes behind its end does.
    @Test func afterOurOwnReset() {
        let upstream = Endpoint(.client)
        for _ in 0..<2 { upstream.request("POST / HTTP/1.1\r\nHost: a\r\n\r\n", ended: false) }
        upstream.receive(Frames.settings() + Self.head(200) + Frames.headers(3, [(":status", "200")], ends: true))
        upstream.session.reset(1, code: 8)
        upstream.session.reset(3, code: 8)
        _ = upstream.reported()
        upstream.receive(Frames.data(1, "late") + Self.second + Frames.data(1, "late", ends: true))
        #expect(upstream.reported() == [])
        upstream.receive(Frames.data(3, "late"))
        #expect(upstream.reported() == ["3: violation dataAfterEnd 4"])
    }

    /// The tag of a stream outlives it, so that the guilty one is named.
    @Test func lateFramesHaveTheirTag() {
        var limits = HTTP2Limits()
        limits.closedStreamsMax = 32
        let upstream = Endpoint(.client, limits)
        upstream.receive(Frames.settings())
        for i in 0..<40 {
            let id = UInt32(upstream.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", tag: Int32(100 + i)))
            upstream.receive(Frames.headers(id, [(":status", "200")], ends: true))
        }
        upstream.receive(Frames.data(79, "x") + Frames.headers(17, [(":status", "500")]) + Frames.data(15, "x"))
        // The last 32 are remembered; of 15, the eighth, nobody can know any more.
        #expect(upstream.violations.map(\.step.tag) == [139, 108])
        upstream.session.setTag(79, -1)
        upstream.receive(Frames.data(79, "x"))
        #expect(upstream.violations.last?.step.tag == -1)
    }

    @Test func goAwayResetsWhatItLeavesOut() {
        let upstream = Endpoint(.client)
        for i in 0..<4 { upstream.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", tag: Int32(i)) }
        upstream.receive(Frames.settings() + Frames.goAway(3))
        #expect(Set(upstream.reported()) == ["0: goAway", "5: reset 7", "7: reset 7"])
        #expect(!upstream.session.canOpenStream && upstream.session.openStreams == 2)
        upstream.receive(
            Frames.headers(1, [(":status", "200")], ends: true) + Frames.headers(3, [(":status", "200")], ends: true))
        _ = upstream.output()
        #expect(upstream.session.isFinished)
    }

    /// Frames for streams that nobody has opened end the connection (RFC 9113 section 5.1).
    @Test(arguments: [Frames.reset(99), Frames.windowUpdate(99, 1), Frames.reset(2), Frames.windowUpdate(2, 1)])
    func framesOfIdleStreams(bytes: [UInt8]) {
        let upstream = Endpoint(.client)
        upstream.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        upstream.receive(Frames.settings() + Self.head(200) + bytes)
        #expect(upstream.failure == .protocolError)
    }

    /// A hundred streams at once, one of them guilty in every way: the others get every byte.
    @Test(arguments: [UInt64(1), 2, 3])
    func siblingsAreSafe(seed: UInt64) {
        var chance = Chance(seed: seed)
        let upstream = Endpoint(.client)
        for _ in 0..<100 { upstream.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
        let guilty = UInt32(1 + 2 * chance.below(100))
        var waiting: [UInt32: [[UInt8]]] = [:]
        var sent: [UInt32: [UInt8]] = [:]
        for i in 0..<100 {
            let id = UInt32(1 + 2 * i)
            var frames = [Frames.headers(id, [(":status", "200")])]
            for last in [false, false, true] {
                let part = chance.bytes(chance.below(9000))
                sent[id, default: []] += part
                frames.append(Frames.frame(0, last ? 1 : 0, id, part))
            }
            if id == guilty {
                frames.insert(Frames.headers(id, [(":status", "500")]), at: 2)
                frames += [
                    Frames.headers(id, [(":status", "500")]), Frames.data(id, "surplus"),
                    Frames.headers(id, [(":status", "100")]),
                    Frames.data(id, "surplus", ends: true), Frames.reset(id), Frames.windowUpdate(id, 0),
                ]
            }
            waiting[id] = frames
        }
        upstream.receive(Frames.settings())
        var batch: [UInt8] = []
        while !waiting.isEmpty {
            let id = chance.pick(waiting.keys.sorted())
            batch += waiting[id]!.removeFirst()
            if waiting[id]!.isEmpty { waiting[id] = nil }
            if chance.oneIn(8) {
                let cut = chance.below(batch.count + 1)
                upstream.receive(Array(batch[..<cut]))
                batch.removeFirst(cut)
            }
        }
        upstream.receive(batch)
        #expect(upstream.failure == nil && upstream.session.openStreams == 0)
        for (id, bytes) in sent { #expect(upstream.bodies[Int32(id)] ?? [] == bytes, "stream \(id)") }
        #expect(Set(upstream.violations.map(\.step.stream)) == [Int32(guilty)])
        let kinds: [HTTP2Violation] = [.headInBody, .headAfterEnd, .dataAfterEnd, .interimAfterEnd, .dataAfterEnd]
        #expect(upstream.violations.map(\.step.event) == kinds.map { .violation($0) })
    }
}
