import EventLoop
import Testing
import Wire

@testable import Proxy

@Suite struct RecentRequestsTests {
    /// Adds the request `GET target` of a stream.
    private func add(_ stream: Int32, _ target: String, _ requests: inout RecentRequests) {
        var bytes = Array("GETid\(stream)trace\(stream)a.example\(target)".utf8)
        var record = RequestRecord()
        var at = 0
        func next(_ text: String) -> ByteRange {
            defer { at += text.utf8.count }
            return ByteRange(start: at, count: text.utf8.count)
        }
        record.methodText = next("GET")
        record.id = next("id\(stream)")
        record.trace = next("trace\(stream)")
        record.host = next("a.example")
        record.target = next(target)
        record.route = 3
        var exchange = Exchange(client: 0, startedAt: 1)
        (exchange.server, exchange.connection, exchange.ordinal) = (5, 70, UInt32(stream))
        exchange.answer.status = 204
        bytes.withUnsafeMutableBufferPointer {
            record.head.base = $0.baseAddress
            requests.add(stream: stream, record, exchange)
        }
    }

    @Test func theLastOnesAreFoundByTheirStream() throws {
        var requests = RecentRequests()
        defer { requests.deallocate() }
        #expect(requests.find(1) == nil)
        for i in 0..<20 { add(Int32(2 * i + 1), "/\(i)", &requests) }
        for i in 0..<12 { #expect(requests.find(Int32(2 * i + 1)) == nil, "\(i)") }
        for i in 12..<20 {
            let found = try #require(requests.find(Int32(2 * i + 1)))
            let request = found.exchange.request
            #expect(request.text(request.target) == "/\(i)" && request.text(request.id) == "id\(2 * i + 1)")
            #expect(request.text(request.host) == "a.example" && request.text(request.methodText) == "GET")
            #expect(request.text(request.trace) == "trace\(2 * i + 1)" && request.route == 3)
            #expect(found.server == 5 && found.connection == 70 && found.exchange.ordinal == 2 * i + 1)
            #expect(found.exchange.answer.status == 204)
        }
    }

    @Test func longNamesAreCut() throws {
        var requests = RecentRequests()
        defer { requests.deallocate() }
        add(1, "/" + String(repeating: "x", count: 1000), &requests)
        add(3, "/short", &requests)
        let long = try #require(requests.find(1)).exchange.request
        #expect(long.text(long.target).utf8.count == RecentRequests.textBytes - "GETid1trace1a.example".utf8.count)
        #expect(long.text(long.target).hasPrefix("/xxx") && long.text(long.id) == "id1")
        let short = try #require(requests.find(3)).exchange.request
        #expect(short.text(short.target) == "/short")
    }
}
