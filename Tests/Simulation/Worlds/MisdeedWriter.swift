import Detector
import Report
import Simulation

/// Makes up what faulty clients of HTTP/1 do. The same numbers give the same deeds.
struct MisdeedWriter {
    var random: SeededNumbers
    /// Requests that are as they should be: GETs and the like, and chunked ones.
    let plain: (Bool) -> Story
    /// One that asks for a tunnel; nil: there are none here.
    let tunnel: () -> Story?
    let takesFrames: Bool
    let isSlow: Bool

    /// What must reach no server.
    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n"

    mutating func deed(_ name: Misdeed.Name) -> Misdeed {
        var deed = Misdeed(name)
        switch name {
        case .lengthAndChunked, .lengthsDiffer, .lengthTwice, .lengthNoNumber, .unknownCoding, .notChunkedLast, .chunkedTwice,
            .chunkedInHTTP10:
            framing(&deed)
        case .foldedLine, .bareLineFeed, .bareReturn, .spaceBeforeColon, .badName, .controlInValue, .hostTwice, .hostMissing:
            fields(&deed)
        case .badStartLine, .badTarget, .badVersion, .connect, .hello, .preface, .garbage: starts(&deed)
        case .largeField, .manyFields, .longTarget, .endlessFields: sizes(&deed)
        case .badChunkSize, .badChunkEnd, .badTrailer, .longExtensions, .manyTrailers, .stalledBody, .extensions, .drippedBody:
            bodies(&deed)
        case .drippedHead, .stalledHead, .leavesInHead, .leavesInBody, .leavesInAnswer, .leavesTunnel, .deafness, .pipelined,
            .behindClose, .halfClose:
            courses(&deed)
        }
        return deed
    }

    private func refused(_ deed: inout Misdeed, _ text: String, _ kinds: Set<Kind> = [.malformedMessage]) {
        deed.pieces = [Piece(delay: 0, bytes: Array((text + Self.smuggled).utf8))]
        deed.answers = [400: .malformedRequest]
        deed.kinds = kinds
    }

    private func head(_ fields: String) -> String { head("POST /evil HTTP/1.1", fields) }

    private func head(_ line: String, _ fields: String) -> String {
        "\(line)\r\nHost: evil.example\r\n\(fields)\r\n\r\n"
    }

    // MARK: Header blocks

    /// RFC 9112 section 6.
    private mutating func framing(_ deed: inout Misdeed) {
        let coding = "Transfer-Encoding: "
        switch deed.name {
        case .lengthAndChunked:
            let both = ["Content-Length: 6", coding + "chunked"]
            let lines = (random.chance(perMille: 500) ? both : both.reversed()).joined(separator: "\r\n")
            refused(&deed, head(lines) + "0\r\n\r\n", [.conflictingFraming])
        case .lengthsDiffer:
            refused(
                &deed, head(random.pick(["Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5, 6"])) + "hello",
                [.conflictingFraming, .duplicateField])
        case .lengthTwice: refused(&deed, head("Content-Length: 5\r\nContent-Length: 5") + "hello", [.duplicateField])
        case .lengthNoNumber:
            let length = random.pick(["+5", "-1", "5a", "0x5", "", "5 5", "5;", "99999999999999999999999"])
            refused(
                &deed, head("Content-Length: \(length)") + "hello", [.conflictingFraming, .malformedMessage, .duplicateField])
        case .notChunkedLast:
            refused(
                &deed, head(coding + random.pick(["gzip", "chunked, gzip", "xchunked", "chunkedx"])) + "0\r\n\r\n",
                [.conflictingFraming])
            deed.answers[501] = .unsupported
        case .unknownCoding:
            refused(&deed, head(coding + random.pick(["gzip, chunked", "x-a,chunked"])) + "0\r\n\r\n", [])
            deed.answers = [501: .unsupported]
        case .chunkedTwice:
            refused(
                &deed, head(coding + random.pick(["chunked, chunked", "chunked\r\n\(coding)chunked"])) + "0\r\n\r\n",
                [.conflictingFraming])
            deed.answers[501] = .unsupported
        default: refused(&deed, head("POST /evil HTTP/1.0", coding + "chunked") + "0\r\n\r\n", [.conflictingFraming])
        }
    }

    /// RFC 9112 section 5, RFC 9110 sections 5 and 7.2.
    private mutating func fields(_ deed: inout Misdeed) {
        let get = "GET /evil HTTP/1.1"
        switch deed.name {
        case .foldedLine: refused(&deed, head(get, random.pick(["X-A: b\r\n c", "X-A: b\r\n\tContent-Length: 5", " X-A: b"])))
        case .bareLineFeed:
            refused(
                &deed,
                random.pick([
                    "\(get)\nHost: evil.example\n\n", head(get, "X-A: b\nX-B: c"), "\(get)\r\nHost: evil.example\r\n\n",
                ]))
        case .bareReturn: refused(&deed, head(get, random.pick(["X-A: b\rX-B: c", "X-A\r: b"])))
        case .spaceBeforeColon:
            refused(&deed, head(random.pick(["Content-Length : 5", "X-A\t: b", "Transfer-Encoding : chunked"])))
        case .badName: refused(&deed, head(get, random.pick(["X(A): b", ": b", "X-\u{e9}: b", "X-A", "\"X\": b"])))
        case .controlInValue: refused(&deed, head(get, "X-A: b\0c"))
        case .hostTwice:
            refused(&deed, head(get, random.pick(["Host: evil.example", "Host: other.example"])), [.duplicateField])
        default:
            // Section 3.2 wants 400; that nothing is ambiguous about it keeps it from being recorded.
            refused(&deed, "\(get)\r\nX-A: b\r\n\r\n", [])
        }
    }

    private mutating func starts(_ deed: inout Misdeed) {
        switch deed.name {
        case .badStartLine:
            refused(
                &deed,
                head(
                    random.pick([
                        "GET  /evil HTTP/1.1", "GET /evil b HTTP/1.1", "GET\t/evil HTTP/1.1", " GET /evil HTTP/1.1",
                        "GET /evil HTTP/1.1 ", "G{T /evil HTTP/1.1", "GET /evil", "GET /evil http/1.1", "GET /evil HTTPS/1.1",
                    ]), "X-A: b"))
        case .badTarget: refused(&deed, head("GET /\(random.pick(["\u{e9}", "\u{7f}", "\u{1}"])) HTTP/1.1", "X-A: b"))
        case .badVersion:
            refused(&deed, head("GET /evil HTTP/\(random.pick(["2.0", "3.7", "0.9"]))", "X-A: b"), [])
            deed.answers = [505: .unsupported]
        case .connect:
            refused(&deed, "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n", [])
            deed.answers = [405: .unsupported]
        case .preface where !takesFrames:
            refused(&deed, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [])
            deed.pieces[0].bytes += Frame.settings([(2, 0)]).bytes
            deed.answers = [505: .unsupported]
        case .hello:
            refused(&deed, "")
            deed.pieces[0].bytes = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3] + (0..<506).map { _ in UInt8(random.below(256)) }
        default:
            refused(&deed, "")
            deed.pieces[0].bytes = [0x80] + (0..<random.below(400)).map { _ in UInt8(random.below(256)) }
        }
    }

    private mutating func sizes(_ deed: inout Misdeed) {
        let get = "GET /evil HTTP/1.1"
        switch deed.name {
        case .largeField:
            refused(&deed, head(get, "X-A: " + String(repeating: "b", count: random.pick([66_000, 200_000]))), [])
        case .manyFields:
            let count = random.pick([140, 1000])
            refused(&deed, head(get, (0..<count).map { "X-\($0): b" }.joined(separator: "\r\n")), [])
        case .longTarget:
            refused(
                &deed, head("GET /" + String(repeating: "b", count: random.pick([66_000, 150_000])) + " HTTP/1.1", "X-A: b"), []
            )
        default:
            refused(&deed, "", [])
            deed.pieces = [Piece(delay: 0, bytes: Array("\(get)\r\nHost: evil.example\r\n".utf8))]
            let delay: UInt64 = random.pick([0, 1_000_000, 20_000_000])
            for i in 0..<100 {
                deed.pieces.append(Piece(delay: delay, bytes: Array("X-\(i): \(String(repeating: "b", count: 990))\r\n".utf8)))
            }
        }
        deed.answers = deed.name == .longTarget ? [414: .headerTooLarge] : [431: .headerTooLarge]
        // It may take longer than a header block may.
        if isSlow { deed.answers[408] = .headerTimeout }
    }

    // MARK: Bodies

    /// RFC 9112 section 7.1.
    private mutating func bodies(_ deed: inout Misdeed) {
        let story = plain(true)
        let chunk = "5;a=b\r\n" + String(decoding: story.request.body.prefix(5), as: UTF8.self)
        func say(_ deed: inout Misdeed, _ text: String) {
            deed.pieces = [Piece(delay: 0, bytes: story.request.head)] + [Piece(delay: 0, bytes: Array(text.utf8))]
        }
        deed.broken = story
        deed.answers = [400: .malformedRequest]
        deed.kinds = [.malformedMessage]
        switch deed.name {
        case .badChunkSize:
            let size = random.pick([
                "zz\r\n", "-5\r\nabcde", "0x5\r\nabcde", "\r\n", "5;a\nabcde\r\n", "5\nabcde\r\n", "FFFFFFFFFFFFFFFFF\r\n",
                " 5\r\nabcde",
            ])
            say(&deed, chunk + "\r\n" + size + Self.smuggled)
        case .badChunkEnd: say(&deed, chunk + random.pick(["XX", "\n\n", "\r5"]) + "0\r\n\r\n" + Self.smuggled)
        case .badTrailer:
            say(&deed, chunk + "\r\n0\r\n" + random.pick(["X Y: a", "X-A: a\n", " X: a"]) + "\r\n\r\n" + Self.smuggled)
        case .longExtensions, .manyTrailers:
            // Too much is no fault.
            deed.kinds = []
            let trailers = (0..<300).map { "X-\($0): b\r\n" }.joined()
            let isLong = deed.name == .longExtensions
            deed.answers = isLong ? [413: .bodyTooLarge] : [431: .headerTooLarge]
            say(&deed, chunk + "\r\n" + (isLong ? "5;" + String(repeating: "e", count: 20_000) : "0\r\n" + trailers) + "\r\n")
        case .stalledBody:
            say(&deed, chunk + "\r\n5\r\n" + String(decoding: story.request.body[5..<7], as: UTF8.self))
            deed.kinds = []
            deed.answers = [408: .bodyTimeout]
        default:
            deed.broken = nil
            (deed.answers, deed.kinds) = ([:], [])
            deed.served = [story]
            deed.pieces =
                [Piece(delay: 0, bytes: story.request.head)] + legalBody(story.request.body, drips: deed.name == .drippedBody)
        }
    }

    /// In chunks with extensions, or slowly, both as the rules allow it.
    private mutating func legalBody(_ body: [UInt8], drips: Bool) -> [Piece] {
        var pieces: [Piece] = []
        var rest = body[...]
        while !rest.isEmpty {
            let part = rest.prefix(1 + random.below(max(1, body.count / 8)))
            rest = rest.dropFirst(part.count)
            let size = String(repeating: "0", count: random.below(4)) + String(part.count, radix: 16)
            let text = size + random.pick(["", ";a", ";a=\"b c\"", " ;a=" + String(repeating: "e", count: 500)])
            pieces.append(Piece(delay: drips ? 3_000_000_000 : 0, bytes: Array("\(text)\r\n".utf8) + part + [0x0d, 0x0a]))
        }
        return pieces + [Piece(delay: 0, bytes: Array("0\r\n\r\n".utf8))]
    }

    // MARK: Courses

    private mutating func courses(_ deed: inout Misdeed) {
        let leaving = random.pick([Misdeed.Leaving.finishes, .closes, .resets])
        let part = head("GET /evil HTTP/1.1", "X-A: b").dropLast(4)
        switch deed.name {
        case .drippedHead, .stalledHead:
            deed.answers = [408: .headerTimeout]
            if deed.name == .stalledHead { return deed.pieces = [Piece(delay: 0, bytes: Array(part.utf8))] }
            deed.pieces = part.utf8.prefix(40).map { Piece(delay: 500_000_000, bytes: [$0]) }
        case .leavesInHead:
            deed.pieces = [Piece(delay: 0, bytes: Array(part.utf8.prefix(1 + random.below(part.utf8.count))))]
            deed.leaving = leaving
        case .leavesInBody:
            let story = plain(true)
            deed.broken = story
            deed.leaving = leaving
            deed.pieces = [
                Piece(delay: 0, bytes: story.request.head),
                Piece(delay: 0, bytes: Array("5\r\n".utf8) + story.request.body.prefix(3)),
            ]
        case .leavesTunnel where tunnel() != nil:
            let story = tunnel()!
            deed.served = [story]
            deed.leaving = random.pick([.closes, .resets])
            deed.pieces = [Piece(delay: 0, bytes: story.request.head)] + late()
        case .leavesInAnswer, .leavesTunnel:
            serve(&deed, plain(false))
            deed.leaving = random.pick([.closes, .resets])
            deed.pieces += late()
        case .deafness:
            serve(&deed, plain(false))
            deed.isDeaf = true
        case .pipelined: for _ in 0..<20 + random.below(40) { serve(&deed, plain(false)) }
        case .behindClose:
            let story = plain(false)
            serve(&deed, story)
            deed.pieces[0].bytes.insert(contentsOf: "Connection: close\r\n".utf8, at: story.request.head.count - 2)
            deed.pieces.append(Piece(delay: random.pick([0, 5_000_000]), bytes: Array(Self.smuggled.utf8)))
        default:
            serve(&deed, plain(false))
            deed.leaving = .finishes
        }
    }

    private mutating func late() -> [Piece] { [Piece(delay: random.pick([0, random.upTo(50_000_000)]), bytes: [])] }

    private func serve(_ deed: inout Misdeed, _ story: Story) {
        deed.served.append(story)
        deed.pieces.append(Piece(delay: 0, bytes: story.request.head))
        deed.pieces += story.request.rest
    }
}
