import Testing
import Wire

@testable import Capture

/// Where requests begin in the bytes that go to an upstream, wherever these are cut.
struct TapedRequestsTests {
    /// What was read, in words: `begin`, bytes as they are, bodies as their number.
    private func read(_ pieces: [[UInt8]], _ policy: CapturePolicy = CapturePolicy()) -> [String] {
        var block = HeaderBlock(capacity: 64)
        var requests = TapedRequests()
        var words: [String] = []
        for piece in pieces {
            for part in requests.read(piece, policy, &block) {
                if let begins = part.begins { words.append("begin \(begins.method)\(begins.asksUpgrade ? " upgrade" : "")") }
                for part in part.parts {
                    switch part {
                    case .bytes(let bytes): words.append(String(decoding: bytes, as: UTF8.self))
                    case .body(let count): words.append("body \(count)")
                    default: words.append("\(part)")
                    }
                }
            }
        }
        return words
    }

    private func whole(_ text: String, _ policy: CapturePolicy = CapturePolicy()) -> [String] {
        read([Array(text.utf8)], policy)
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let post = "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    private static let chunked = "PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    @Test func requestsOfEverySort() {
        #expect(whole(Self.get) == ["begin get", Self.get])
        #expect(whole(Self.get + Self.get) == ["begin get", Self.get, "begin get", Self.get])
        #expect(whole(Self.post + "first" + Self.get) == ["begin post", Self.post, "body 5", "begin get", Self.get])
        #expect(
            whole(Self.chunked + "5\r\nfirst\r\n0\r\nX-Token: abc\r\n\r\n" + Self.get)
                == ["begin put", Self.chunked, "5\r\n", "body 5", "\r\n0\r\nX-Token: xxx\r\n\r\n", "begin get", Self.get])
        let upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        #expect(whole(upgrade) == ["begin get upgrade", upgrade])
    }

    @Test func aBodyIsKeptWhereThatIsWanted() {
        #expect(whole(Self.post + "first", CapturePolicy(keepsBodies: true)) == ["begin post", Self.post, "first"])
        #expect(
            whole(Self.post + "first", CapturePolicy(bytesMax: 16, keepsBodies: true)).last == "body 5",
            "no more than a quarter")
    }

    /// The same requests and the same bytes, wherever two cuts fall.
    @Test func whereverTheyAreCut() {
        let text = Array((Self.post + "first" + Self.chunked + "3\r\nabc\r\n0\r\n\r\n" + Self.get).utf8)
        for cut in stride(from: 0, to: text.count, by: 3) {
            for second in [cut, min(cut + 1, text.count), min(cut + 17, text.count)] {
                let words = read([Array(text[..<cut]), Array(text[cut..<second]), Array(text[second...])])
                #expect(words.filter { $0.hasPrefix("begin") } == ["begin post", "begin put", "begin get"], "\(cut) \(second)")
                let bodies = words.reduce(0) {
                    $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) * ($1.hasPrefix("body") ? 1 : 0)
                }
                #expect(bodies == 8)
                let told = words.reduce(0) { $0 + ($1.hasPrefix("b") ? 0 : $1.utf8.count) }
                #expect(told + bodies == text.count, "every byte is told")
            }
        }
    }

    @Test func aHeadThatIsNotWholeIsWaitedFor() {
        #expect(read([Array("GET / HT".utf8), Array("TP/1.1\r\nHost: a\r".utf8)]) == [])
        #expect(read([Array("GET / HT".utf8), Array("TP/1.1\r\nHost: a\r\n\r\n".utf8)]) == ["begin get", Self.get])
    }
}
