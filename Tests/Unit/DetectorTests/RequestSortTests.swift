import Testing

@testable import Detector

/// Which requests are of one sort: what varies in a path makes no other.
@Suite struct RequestSortTests {
    private func sort(_ path: String, route: UInt16 = 0, method: UInt8 = 0) -> UInt32 {
        Array(path.utf8).withUnsafeBufferPointer { RequestSort.of(route: route, method: method, target: $0) }
    }

    @Test(arguments: [
        ("/orders/7", "/orders/812"), ("/a?x=1", "/a"), ("/a?", "/a"), ("/a#x", "/a"), ("/v1/x9y", "/v22/x0y"), ("/a/", "/a"),
        ("/u/550e8400-e29b-41d4-a716-446655440000/x", "/u/123e4567-e89b-12d3-a456-426614174000/x"),
        ("/t/abcdefghijklmno1", "/t/zyxwvutsrqponm22"), ("/n/12345678901234567890", "/n/99999999999999999"),
    ])
    func alike(_ one: String, _ other: String) { #expect(sort(one) == sort(other)) }

    @Test(arguments: [
        ("/a", "/b"), ("/a/b", "/ab"), ("/a/b", "/a"), ("/a", "/A"), ("/orders/7", "/orders/x"), ("/orders/7", "/orders/7x"),
        ("/7/a", "/a/7"), ("/t/abcdefghijklmnop", "/t/abcdefghijklmnoq"), ("/1-2", "/12"), ("/", "/a"), ("/a//b", "/a/b"),
        // A short segment with digits is a name with a number.
        ("/t/abc1", "/t/abd1"),
    ])
    func apart(_ one: String, _ other: String) { #expect(sort(one) != sort(other)) }

    @Test func routesAndMethodsAreApart() {
        let routes = [0, 1, 255, 256, 257, .max] as [UInt16]
        #expect(Set(routes.map { sort("/a", route: $0) }).count == routes.count)
        #expect(Set((0..<10 as Range<UInt8>).map { sort("/a", method: $0) }).count == 10)
    }

    /// 0 stands for no sort; and no more of a path is looked at than may be.
    @Test func bounds() {
        #expect(sort("") != 0 && sort("*") != 0)
        let long = "/" + String(repeating: "a", count: 255)
        #expect(sort(long + "b") == sort(long + "c") && sort(long) == sort(long + "/d"))
        #expect(sort(String(long.dropLast()) + "b") != sort(String(long.dropLast()) + "c"))
    }
}
