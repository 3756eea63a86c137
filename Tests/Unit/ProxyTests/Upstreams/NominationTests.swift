import Testing
import Wire

@testable import Proxy

/// Fields that Connection names go no further, on requests and answers alike.
@Suite struct NominationTests {
    @Test(
        arguments: [
            (["Connection: x-a", "X-A: 1", "X-B: 2"], ["X-B"]), (["Connection: X-A", "x-a: 1"], []),
            (["Connection: x-a,x-b , ,X-C", "X-A: 1", "X-B: 2", "X-C: 3"], []),
            (["X-A: 1", "Connection: x-a", "x-A: 2"], []), (["Connection: x", "X-A: 1"], ["X-A"]),
            (["Connection: x-a-b", "X-A: 1"], ["X-A"]), (["Connection:", "X-A: 1"], ["X-A"]),
            (["Connection: x-a", "Connection: x-b", "X-B: 1", "X-A: 2"], []),
            // What frames and routes a message stays, whoever names it.
            (
                ["Connection: host, upgrade, content-length", "Host: a", "Content-Length: 1", "Upgrade: b"],
                ["Host", "Content-Length", "Upgrade"]
            ),
            (["Connection: transfer-encoding", "Transfer-Encoding: chunked"], ["Transfer-Encoding"]),
            // Letters alone have two cases.
            (["Connection: x-a@", "X-A`: 1"], ["X-A`"]),
        ] as [([String], [String])])
    func dropped(_ lines: [String], _ expected: [String]) throws {
        let left = try ReadBlock.of(.answer, ["HTTP/1.1 200 OK"] + lines) { block in
            Nomination.drop(&block)
            return (0..<block.count).filter { !block.fields[$0].isDropped }.map {
                String(decoding: block.nameBytes(block.fields[$0]), as: UTF8.self)
            }
        }
        #expect(left.filter { $0.lowercased() != "connection" } == expected)
    }
}
