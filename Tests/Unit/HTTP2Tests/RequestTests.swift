import HTTP2
import Testing
import Wire

/// What clients ask, rightly and wrongly.
@Suite struct RequestTests {
    let server = Endpoint(.server)
    static let start = Frames.preface + Frames.settings()

    static let pseudo = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]

    @Test func fieldsAsHTTP1SpellsThem() {
        server.receive(Self.start)
        server.receive(
            Frames.get(
                1, "/p",
                with: [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("te", "trailers"), ("host", "A"), ("cookie", "c")]))
        #expect(server.reported() == ["1: head GET /p end"])
        #expect(server.lastHead == ["host: a", "cookie: a=1; b=2; c", "x: y", "te: trailers"])
        server.receive(
            Frames.headers(3, [(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), ("host", "b")], ends: true))
        #expect(server.reported() == ["3: head OPTIONS * end"])
        #expect(server.lastHead == ["host: b"])
        server.receive(Frames.headers(5, [(":method", "CONNECT"), (":authority", "c:443")]))
        #expect(server.reported() == ["5: head CONNECT c:443"])
        server.receive(
            Frames.headers(
                7,
                [
                    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat"),
                    (":authority", "d"),
                ]))
        #expect(server.reported() == ["7: head CONNECT /chat"])
        #expect(server.lastHead == ["upgrade: websocket", "host: d"])
    }

    static let malformed: [(String, [(String, String)])] = [
        ("no method", Array(pseudo[1...])),
        ("no scheme", [pseudo[0], pseudo[2], pseudo[3]]),
        ("no path", [pseudo[0], pseudo[1], pseudo[3]]),
        ("no authority, no host", Array(pseudo[..<3])),
        ("an empty path", [pseudo[0], pseudo[1], (":path", ""), pseudo[3]]),
        ("a path without a slash", [pseudo[0], pseudo[1], (":path", "a"), pseudo[3]]),
        ("a space in the path", [pseudo[0], pseudo[1], (":path", "/a b"), pseudo[3]]),
        ("a line end in the path", [pseudo[0], pseudo[1], (":path", "/ HTTP/1.1\r\nX: y"), pseudo[3]]),
        ("a method that is none", [(":method", "G T"), pseudo[1], pseudo[2], pseudo[3]]),
        ("a method twice", [pseudo[0]] + pseudo),
        ("a path twice", pseudo + [pseudo[2]]),
        ("an unknown pseudo-header field", pseudo + [(":color", "red")]),
        (":status", pseudo + [(":status", "200")]),
        ("a pseudo-header field behind others", [("a", "b")] + pseudo),
        ("an upper-case name", pseudo + [("Accept", "x")]),
        ("an empty name", pseudo + [("", "x")]),
        ("a name with a space", pseudo + [("a b", "x")]),
        ("a name with a colon", pseudo + [("a:b", "x")]),
        ("a line end in a value", pseudo + [("a", "b\r\nc: d")]),
        ("NUL in a value", pseudo + [("a", "\0")]),
        ("a space before a value", pseudo + [("a", " b")]),
        ("a tab behind a value", pseudo + [("a", "b\t")]),
        ("user information", [pseudo[0], pseudo[1], pseudo[2], (":authority", "me@a")]),
        ("another host", pseudo + [("host", "b")]),
        ("connection", pseudo + [("connection", "close")]),
        ("keep-alive", pseudo + [("keep-alive", "timeout=5")]),
        ("proxy-connection", pseudo + [("proxy-connection", "close")]),
        ("transfer-encoding", pseudo + [("transfer-encoding", "chunked")]),
        ("upgrade", pseudo + [("upgrade", "h2c")]),
        ("te", pseudo + [("te", "gzip")]),
        ("content-lengths that differ", pseudo + [("content-length", "0"), ("content-length", "1")]),
        ("content-length twice", pseudo + [("content-length", "0"), ("content-length", "0")]),
        ("a content-length that is none", pseudo + [("content-length", "-1")]),
        ("content-length without a body", pseudo + [("content-length", "5")]),
        ("CONNECT with a path", [(":method", "CONNECT"), pseudo[2], pseudo[3]]),
        ("CONNECT to nobody", [(":method", "CONNECT")]),
        (":protocol without CONNECT", pseudo + [(":protocol", "websocket")]),
    ]

    @Test(arguments: malformed.indices)
    func malformedRequestsAreReset(_ i: Int) {
        let (name, fields) = Self.malformed[i]
        server.receive(Self.start + Frames.headers(1, fields, ends: true) + Frames.get(3))
        #expect(server.reported() == ["1: refused malformed end", "3: head GET / end"], "\(name)")
        let frames = Frames.parse(server.output()).filter { $0.type == 3 }
        #expect(frames.map(\.stream) == [1] && frames[0].payload == Frames.number(1))
    }

    @Test func bodiesThatAreNotWhatTheyDeclare() {
        server.receive(Self.start)
        server.receive(Frames.get(1, ends: false, with: [("content-length", "3")]) + Frames.data(1, "four", ends: true))
        server.receive(Frames.get(3, ends: false, with: [("content-length", "3")]) + Frames.data(3, "ab", ends: true))
        server.receive(Frames.get(5, ends: false, with: [("content-length", "3")]) + Frames.data(5, "abc", ends: true))
        server.receive(Frames.get(7, ends: false) + Frames.headers(7, [("a", "b")]))
        server.receive(Frames.get(9, ends: false) + Frames.headers(9, [(":path", "/")], ends: true))
        server.receive(Frames.get(11) + Frames.data(11, "x"))
        server.receive(Frames.get(13) + Frames.headers(13, [("a", "b")], ends: true))
        #expect(
            server.reported() == [
                "1: head POST /", "1: reset 1 for lengthExceeded", "3: head POST /", "3: body 2",
                "3: reset 1 for lengthShort", "5: head POST /", "5: body 3 end", "7: head POST /",
                "7: reset 1 for trailersWithoutEnd", "9: head POST /", "9: reset 1 for malformedTrailers end",
                "11: head GET / end", "11: reset 5 for dataAfterEnd", "13: head GET / end",
                "13: reset 5 for headAfterEnd end",
            ])
        #expect(server.session.openStreams == 1)
    }

    /// Once for each stream; and never what was on its way when the stream was reset, by whomever.
    @Test func framesOnClosedStreams() {
        server.receive(Self.start + Frames.get(1) + Frames.get(3) + Frames.get(5, ends: false) + Frames.get(7, ends: false))
        for stream in [1, 3, 5] as [Int32] { server.head(stream, "HTTP/1.1 204 No Content\r\n\r\n", ended: true) }
        server.session.reset(5, code: 0)
        _ = server.reported()
        let before = server.output().count
        #expect(before > 0)
        server.receive(Frames.data(1, "late") + Frames.data(1, "later", ends: true))
        #expect(server.reported() == ["1: violation dataAfterEnd 4"])
        let resets = Frames.parse(server.output()).filter { $0.type == 3 }
        #expect(resets.map(\.stream) == [1, 1] && resets.allSatisfy { $0.payload == Frames.number(5) })
        server.receive(Frames.data(5, "on its way") + Frames.headers(5, [("a", "b")], ends: true))
        server.receive(Frames.reset(7) + Frames.data(7, "whatever"))
        #expect(server.reported() == ["7: reset 8"])
        server.receive(Frames.headers(3, [("a", "b")], ends: true))
        #expect(server.reported() == ["3: failed streamClosed end"])
        #expect(server.facts.last?.step.cause == .headAfterEnd && server.facts.last?.fields == ["a: b"])
    }

    /// What comes behind a fault is of the same fault; and where it stood is known to the byte.
    @Test func aFaultIsReportedOnce() {
        server.receive(Self.start + Frames.get(1))
        let offset = UInt64((Self.start + Frames.get(1)).count)
        server.receiveCut(Frames.data(1, "more") + Frames.data(1, "and more"))
        #expect(server.reported() == ["1: head GET / end", "1: reset 5 for dataAfterEnd"])
        #expect(server.facts.last?.step.surplusBytes == 4 && server.facts.last?.step.offset == offset)
    }

    @Test func trailersThatAreTooLargeAreNoFault() {
        server.receive(Self.start + Frames.get(1, ends: false))
        server.receive(Frames.headers(1, (0..<200).map { ("x\($0)", "1") }, ends: true))
        #expect(server.reported() == ["1: head POST /", "1: reset 1 end"])
    }

    @Test func windowsThatAreMisused() {
        server.receive(Self.start + Frames.get(1) + Frames.get(3))
        server.receive(Frames.windowUpdate(1, 0) + Frames.windowUpdate(3, 0x7fff_ffff))
        #expect(
            server.reported() == [
                "1: head GET / end", "3: head GET / end", "1: reset 1 for windowMisused", "3: reset 3 for windowMisused",
            ])
    }

    @Test func whichPseudoFieldsAreRepeated() {
        let peer = HTTP2Session(.server, HTTP2Limits())!
        var block = HeaderBlock(capacity: 128)
        var bytes = Self.start + Frames.headers(1, Self.pseudo + [Self.pseudo[2], Self.pseudo[3], ("x", "y")], ends: true)
        let count = bytes.count
        let step = bytes.withUnsafeMutableBufferPointer {
            peer.receive($0.baseAddress!, count: count, now: 1, block: &block)
        }
        #expect(step.event == .refused(.malformed))
        #expect(block.repeatedPseudo.names == [":path", ":authority"])
    }

    @Test func headerBlocksInManyFrames() {
        let packed = Frames.block(Self.pseudo + [("a", String(repeating: "v", count: 500))])
        for size in [1, 7, 100] where packed.count / size < 400 {
            var limits = HTTP2Limits()
            limits.headerFramesMax = 1000
            let server = Endpoint(.server, limits)
            let parts = stride(from: 0, to: packed.count, by: size).map { Array(packed[$0..<min($0 + size, packed.count)]) }
            var bytes = Frames.frame(1, Frames.endStream, 1, parts[0])
            for i in 1..<parts.count { bytes += Frames.frame(9, i == parts.count - 1 ? Frames.endHeaders : 0, 1, parts[i]) }
            server.receiveCut(Self.start + bytes)
            #expect(server.reported() == (parts.count <= 1000 ? ["1: head GET / end"] : []))
        }
    }

    @Test func paddingAndPriorityArePassedOver() {
        let fields = Frames.block([(":method", "POST")] + Self.pseudo[1...])
        let padded = Frames.frame(1, Frames.endHeaders | 8 | 0x20, 1, [3] + [0, 0, 0, 0, 16] + fields + [0, 0, 0])
        let data = Frames.frame(0, 8, 1, [4] + Array("body".utf8) + [0, 0, 0, 0])
        let onlyPadding = Frames.frame(0, 8 | 1, 1, [0])
        server.receiveCut(Self.start + padded + data + onlyPadding)
        #expect(server.reported() == ["1: head POST /", "1: body 4 end"])
        #expect(server.bodies[1] == Array("body".utf8))
    }

    @Test func connectionErrors() {
        let cases: [(String, [UInt8], HTTP2Failure, UInt32)] = [
            ("HTTP/1", Array("GET / HTTP/1.1\r\n\r\n".utf8), .preface, 1),
            ("no SETTINGS", Frames.preface + Frames.ping(), .protocolError, 1),
            (
                "padding over the frame", Self.start + Frames.get(1, ends: false) + Frames.frame(0, 8, 1, [9, 0]),
                .protocolError, 1
            ),
            ("a frame too large", Self.start + [0, 0x40, 1, 0, 0, 0, 0, 0, 1], .frameSizeError, 6),
            ("PING of 7", Self.start + Frames.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7]), .frameSizeError, 6),
            ("HEADERS on 0", Self.start + Frames.headers(0, Self.pseudo), .protocolError, 1),
            ("HEADERS on an even stream", Self.start + Frames.headers(2, Self.pseudo), .protocolError, 1),
            ("a lower stream", Self.start + Frames.get(5) + Frames.get(3), .protocolError, 1),
            ("DATA on a stream not open", Self.start + Frames.data(1, "x"), .protocolError, 1),
            ("RST_STREAM on a stream not open", Self.start + Frames.reset(1), .protocolError, 1),
            ("CONTINUATION alone", Self.start + Frames.frame(9, 4, 1, []), .protocolError, 1),
            ("PING among CONTINUATIONs", Self.start + Frames.frame(1, 1, 1, []) + Frames.ping(), .protocolError, 1),
            ("PUSH_PROMISE", Self.start + Frames.frame(5, 4, 1, [0, 0, 0, 2]), .protocolError, 1),
            ("bad HPACK", Self.start + Frames.frame(1, 5, 1, [0xff, 0xff, 0xff, 0xff, 0xff]), .compressionError, 9),
            ("window of 0", Self.start + Frames.windowUpdate(0, 0), .protocolError, 1),
            ("window too wide", Self.start + Frames.windowUpdate(0, 0x7fff_ffff), .flowControlError, 3),
            ("initial window too wide", Self.start + Frames.settings([(4, 0x8000_0000)]), .flowControlError, 3),
            ("frame size too small", Self.start + Frames.settings([(5, 100)]), .protocolError, 1),
            ("SETTINGS of 5", Self.start + Frames.frame(4, 0, 0, [1, 2, 3, 4, 5]), .frameSizeError, 6),
        ]
        for (name, bytes, failure, code) in cases {
            let server = Endpoint(.server)
            server.receive(bytes)
            #expect(server.failure == failure, "\(name)")
            let last = Frames.parse(server.output()).last!
            #expect(last.type == 7 && Array(last.payload[4...]) == Frames.number(code), "\(name)")
            #expect(server.session.isFinished)
        }
    }

    /// A warning first, so that no request that is on its way is lost; and no later GOAWAY takes more than the one before.
    @Test func goAwayInTwoSteps() {
        server.receive(Self.start + Frames.get(1))
        server.session.warnOfGoAway()
        server.session.warnOfGoAway()
        server.receive(Frames.get(3))
        server.session.goAway()
        server.receive(Frames.get(5) + Frames.data(5, "x"))
        #expect(server.reported() == ["1: head GET / end", "3: head GET / end"])
        server.receive(Frames.frame(9, 4, 1, []))
        let reported = Frames.parse(server.output()).filter { $0.type == 7 }.map(\.payload)
        #expect(
            reported == [
                [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0], Frames.number(3) + Frames.number(0), Frames.number(3) + Frames.number(1),
            ])
    }

    @Test func goAwayLetsRequestsEnd() {
        server.receive(Self.start + Frames.get(1))
        server.session.goAway()
        server.receive(Frames.get(3))
        #expect(server.reported() == ["1: head GET / end"])
        #expect(!server.session.isFinished && server.session.openStreams == 1)
        server.head(1, "HTTP/1.1 204 No Content\r\n\r\n", ended: true)
        let frames = Frames.parse(server.output())
        #expect(frames.contains { $0.type == 7 && $0.payload == Frames.number(1) + Frames.number(0) })
        #expect(server.session.isFinished)
    }
}
