import Testing
import Wire

@testable import Proxy

/// Trailers that may be passed on, and those that would frame or route a message if a reader believed them.
@Suite struct TrailersTests {
    private func passed(_ lines: [String]) throws -> [String] {
        try ReadBlock.of(.trailers, lines) { block in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 4096) { space in
                let count = Trailers.write(block, to: space.baseAddress!).count
                return ReadBlock.lines(
                    String(decoding: UnsafeBufferPointer(start: space.baseAddress, count: count), as: UTF8.self) + "\r\n")
            }
        }
    }

    @Test(arguments: FieldName.allCases)
    func eachKnownName(_ name: FieldName) throws {
        let mayStand: Set<FieldName> = [.etag, .age, .expires, .date, .lastModified, .traceparent, .tracestate]
        guard name != .other else { return }
        #expect(try passed(["\(name.text): 1"]) == (mayStand.contains(name) ? ["\(name.text): 1"] : []))
    }

    @Test(
        arguments: [
            ([], []), (["Grpc-Status: 0"], ["Grpc-Status: 0"]),
            (["A: 1", "Content-Length: 5", "b:2", "Transfer-Encoding: chunked", "C: 3"], ["A: 1", "b:2", "C: 3"]),
            (["Host: evil", "Set-Cookie: a=1"], ["Set-Cookie: a=1"]),
        ] as [([String], [String])])
    func whatPasses(_ lines: [String], _ expected: [String]) throws { #expect(try passed(lines) == expected) }

    /// What a route takes out or sets itself comes by no trailer.
    @Test func whatIsDroppedDoesNotPass() throws {
        let left = try ReadBlock.of(.trailers, ["A: 1", "X-Tenant: 9", "B: 2"]) { block in
            block.fields[1].isDropped = true
            return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { space in
                let count = Trailers.write(block, to: space.baseAddress!).count
                return String(decoding: UnsafeBufferPointer(start: space.baseAddress, count: count), as: UTF8.self)
            }
        }
        #expect(left == "A: 1\r\nB: 2\r\n")
    }
}
