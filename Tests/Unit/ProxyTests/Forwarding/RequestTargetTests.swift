import HTTP1
import Testing
import Wire

@testable import Proxy

/// Where a request goes, and which spellings of that nobody may read in two ways.
@Suite struct RequestTargetTests {
    /// Host and path of a request, nil when it is refused.
    static func read(_ target: String, host: String = "a", method: String = "GET") -> String? {
        let text = Array("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)
        var block = HeaderBlock(capacity: 16)
        return text.withUnsafeBufferPointer { bytes in
            let limits = HeadLimits(headerBytesMax: 4096)
            guard HeadParser.request(bytes.baseAddress!, count: bytes.count, limits: limits, into: &block) == .complete else {
                return nil
            }
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { scratch in
                RequestTarget(block, scratch.baseAddress!).map {
                    "\(String(decoding: $0.host, as: UTF8.self)) \(String(decoding: $0.path, as: UTF8.self))"
                }
            }
        }
    }

    @Test(arguments: [
        ("/", "a /"), ("/x?y=%00", "a /x?y=%00"), ("/%23x", "a /%23x"), ("/a[b]|{c}^`", "a /a[b]|{c}^`"),
        ("http://b/x", "b /x"), ("HTTP://b:80/x?y", "b:80 /x?y"), ("https://b", "b /"), ("http://b/", "b /"),
        // RFC 9112 section 3.2.1: a path that is empty is `/`.
        ("http://b?x=/y", "b /?x=/y"), ("http://b:8080?", "b:8080 /?"),
    ])
    func targets(target: String, read: String) { #expect(Self.read(target) == read) }

    /// RFC 9112 section 3.2.4.
    @Test func theServerAsAWhole() {
        #expect(Self.read("*", method: "OPTIONS") == "a *")
        #expect(Self.read("http://b", method: "OPTIONS") == "b *")
        #expect(Self.read("http://b/", method: "OPTIONS") == "b /")
        #expect(Self.read("http://b?x", method: "OPTIONS") == "b /?x")
        #expect(Self.read("*") == nil)
    }

    @Test(arguments: [
        "/admin#x", "/#", "/?a#b", "http://b/#x", "http://b#x", "/admin%00", "/admin%00x?y", "x", "admin/x", "*", "http://",
        "http:///x",
        "http:/b/x", "ftp://b/x", "http:b", "http://u@b/x", "http://u:p@b/x", "http://b\\\\c/x",
    ])
    func refusedTargets(target: String) { #expect(Self.read(target) == nil) }

    @Test(arguments: [
        "", "b", "B.example", "b.example.", "a_b", "127.0.0.1", "127.0.0.1:80", "b:", "b:65535", "[::1]", "[::1]:80",
        "[::ffff:1.2.3.4]",
        "xn--bcher-kva.example", "a-b.c",
    ])
    func hosts(host: String) { #expect(Self.read("/", host: host) == "\(host) /") }

    @Test(arguments: [
        "a b", "a/b", "a?b", "a#b", "a@b", "u:p@b", "a\\b", "a,b", "a%62", "%61", "a:b", "a:80:90", "a:80b", "a:123456", ":80",
        "::1",
        "[::1", "[]", "::1]", "[::1]x", "[::1]:x", "[a%25b]", "a..b", ".a", "..", "a<b", "a>b", "a|b", "a^b", "a{b}", "a\"b",
        "a[b]",
    ])
    func refusedHosts(host: String) { #expect(Self.read("/", host: host) == nil, "\(host)") }
}
