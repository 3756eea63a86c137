import Testing

@testable import Proxy

@Suite struct HealthTests {
    @Test func aServerGoesDownAndComesBackAfterSoManyResultsInARow() {
        var record = HealthRecord(unhealthyAfter: 3, healthyAfter: 2)
        #expect(record.checkFailed(isUp: true) == nil)
        #expect(record.checkFailed(isUp: true) == nil)
        #expect(record.checkSucceeded(isUp: true) == nil)
        #expect(record.checkFailed(isUp: true) == nil)
        #expect(record.checkFailed(isUp: true) == nil)
        #expect(record.checkFailed(isUp: true) == .down)
        #expect(record.checkFailed(isUp: false) == nil)
        #expect(record.checkSucceeded(isUp: false) == nil)
        #expect(record.checkFailed(isUp: false) == nil)
        #expect(record.checkSucceeded(isUp: false) == nil)
        #expect(record.checkSucceeded(isUp: false) == .up)
        #expect(record.checkSucceeded(isUp: true) == nil)
    }

    /// The watch before a reload may have the last word on what it has begun.
    @Test func whatAnotherWatchHasFoundIsFoundOtherwiseInTime() {
        var record = HealthRecord(unhealthyAfter: 2, healthyAfter: 2)
        #expect(record.checkSucceeded(isUp: true) == nil)
        #expect(record.checkSucceeded(isUp: false) == .up)
        #expect(record.checkFailed(isUp: false) == nil)
        #expect(record.checkFailed(isUp: true) == .down)
    }

    private func verdict(_ text: String, cut: Bool) -> HealthAnswer.Verdict {
        var answer = HealthAnswer()
        var last = HealthAnswer.Verdict.unfinished
        let pieces = cut ? Array(text.utf8).map { [$0] } : [Array(text.utf8)]
        for piece in pieces {
            last = piece.withUnsafeBufferPointer { answer.receive($0) }
            if last != .unfinished { break }
        }
        return last
    }

    @Test(arguments: [false, true]) func anAnswersStatusDecides(_ cut: Bool) {
        #expect(verdict("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", cut: cut) == .healthy)
        #expect(verdict("HTTP/1.0 204 \n\n", cut: cut) == .healthy)
        #expect(verdict("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", cut: cut) == .healthy)
        #expect(verdict("HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", cut: cut) == .healthy)
        #expect(verdict("HTTP/1.1 404 Not Found\r\n\r\n", cut: cut) == .unhealthy("it answered 404"))
        #expect(verdict("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 503 No\r\n\r\n", cut: cut) == .unhealthy("it answered 503"))
        #expect(verdict("SSH-2.0-OpenSSH\r\n\r\n", cut: cut) == .unhealthy("it does not speak HTTP/1"))
        #expect(verdict("HTTP/1.1 2x0 OK\r\n\r\n", cut: cut) == .unhealthy("it does not speak HTTP/1"))
        #expect(verdict("HTTP/1.\r\n\r\n", cut: cut) == .unhealthy("it does not speak HTTP/1"))
        #expect(verdict("HTTP/1.1 200 OK\r\n", cut: cut) == .unfinished)
    }

    @Test func aHeaderBlockWithoutEndIsBounded() {
        var answer = HealthAnswer()
        let line = Array(("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 9000)).utf8)
        #expect(line.withUnsafeBufferPointer { answer.receive($0) } == .unfinished)
        #expect(line.withUnsafeBufferPointer { answer.receive($0) } == .unhealthy("its header block does not end"))
    }
}
