import Testing

@testable import Proxy

/// Where a request comes from and what it was sent with, found in a header block.
@Suite struct AccessEntryTests {
    @Test(
        arguments: [
            ([], "", ""), (["Referer: http://a/b", "User-Agent: curl/8"], "http://a/b", "curl/8"),
            (["referer:x", "USER-AGENT:  y \t"], "x", "y"), (["Referers: x", "User-Agents: y", "X-Referer: z"], "", ""),
            (["Referer:", "User-Agent: "], "", ""), (["User-Agent: a:b: c"], "", "a:b: c"),
            (["Referer: 1", "Referer: 2"], "2", ""), (["Refere: x", "User-Agen: y"], "", ""),
        ] as [([String], String, String)])
    func fields(_ lines: [String], _ referer: String, _ agent: String) {
        for lineEnd in ["\r\n", "\n"] {
            let head = Array((["GET / HTTP/1.1", "Host: a"] + lines + [""]).map { $0 + lineEnd }.joined().utf8)
            head.withUnsafeBufferPointer {
                var entry = AccessEntry()
                entry.readFields($0)
                #expect(String(decoding: entry.referer, as: UTF8.self) == referer)
                #expect(String(decoding: entry.userAgent, as: UTF8.self) == agent)
            }
        }
    }

    @Test func aBlockThatIsCutIsReadAsFarAsItGoes() {
        let whole = Array("GET / HTTP/1.1\r\nReferer: abc\r\nUser-Agent: def\r\n\r\n".utf8)
        for count in 0...whole.count {
            // Alone in its allocation, so that a sanitizer sees a read past its end.
            let cut = Array(whole.prefix(count))
            cut.withUnsafeBufferPointer {
                var entry = AccessEntry()
                entry.readFields($0)
                #expect("abc".hasPrefix(String(decoding: entry.referer, as: UTF8.self)))
                #expect("def".hasPrefix(String(decoding: entry.userAgent, as: UTF8.self)))
            }
        }
    }
}
