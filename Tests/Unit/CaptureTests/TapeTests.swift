import Detector
import Report
import Testing
import Traces
import Wire

@testable import Capture

/// What is kept of a connection, however it came.
struct TapeTests {
    private static let request = "GET /orders/7?token=hunter2 HTTP/1.1\r\nHost: a\r\nCookie: sid=hunter2\r\n\r\n"
    private static let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nSet-Cookie: sid=hunter2\r\n\r\n5\r\nfirst\r\n0\r\nX-Token: hunter2\r\n\r\n"
    private static let second = "HTTP/1.1 500 Oh\r\nSet-Cookie: sid=hunter2\r\nContent-Length: 3\r\n\r\nbad"

    private func incident(_ kind: Kind = .secondResponse, exchange: UInt32 = 1) -> Incident {
        var incident = Incident(
            timeNanoseconds: 0, id: "01M8EM1DZ3KEGX06C7S1TMVR53", severity: .error, kind: kind, certainty: .proven,
            origin: .upstream,
            action: .contain, clientImpact: .none, message: "sent\ntwice \u{1b}[31m", route: "shop", protocolName: "http/1.1",
            evidence: .init(phase: .idle))
        incident.upstream = .init(name: "app", address: "127.0.0.1:1", connection: 7, exchange: exchange)
        incident.request = .init(id: "r", method: "GET", path: "/orders/7")
        return incident
    }

    /// A tape of one exchange whose answer came in two reads.
    private func tape(_ answer: String, cutAt cut: Int, policy: CapturePolicy = CapturePolicy()) -> Tape {
        var block = HeaderBlock(capacity: 64)
        var tape = Tape(connection: 7, policy: policy)
        tape.sent(Array(Self.request.utf8), at: 1_000_000, &block)
        let bytes = Array(answer.utf8)
        bytes[..<cut].withUnsafeBufferPointer { tape.received($0, at: 2_000_000, &block) }
        bytes[cut...].withUnsafeBufferPointer { tape.received($0, at: 3_000_000, &block) }
        tape.ended(isReset: false, at: 4_000_000)
        tape.incidents = [incident()]
        return tape
    }

    private func received(_ trace: Trace) -> String {
        String(decoding: trace.pieces.filter { $0.direction == .fromUpstream }.flatMap { $0.bytes ?? [] }, as: UTF8.self)
    }

    @Test func whereverItIsCutTheSameIsWrittenAndNoSecret() throws {
        let answer = Self.chunked + Self.second
        for cut in 0...answer.utf8.count {
            let trace = try #require(tape(answer, cutAt: cut).trace(by: "test"))
            let text = received(trace)
            #expect(text.utf8.count == answer.utf8.count, "cut at \(cut)")
            #expect(
                text.hasSuffix("HTTP/1.1 500 Oh\r\nSet-Cookie: [REDACTED]x\r\nContent-Length: 3\r\n\r\nxxx"), "cut at \(cut)")
            let rendered = String(decoding: trace.render(), as: UTF8.self)
            #expect(!rendered.contains("hunter2") && !rendered.contains("first") && !rendered.contains("bad"), "cut at \(cut)")
            #expect(trace.pieces.last?.content == .fin)
            let parsed = try Trace.parse(trace.render())
            #expect(parsed == trace)
        }
    }

    @Test func theIncidentIsWhatTheReplayIsToFind() throws {
        let trace = try #require(tape(Self.chunked + Self.second, cutAt: 9).trace(by: "test"))
        #expect(trace.expectations.map(\.description) == ["second_response proven exchange=1"])
        #expect(trace.comments[0] == "sent?twice ?[31m")
    }

    @Test func olderExchangesGiveWay() throws {
        var block = HeaderBlock(capacity: 64)
        var tape = Tape(connection: 7, policy: CapturePolicy(bytesMax: 1000))
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".utf8) + [UInt8](repeating: 0x61, count: 100_000)
        for _ in 0..<20 {
            tape.sent(Array(Self.request.utf8), at: 1, &block)
            answer.withUnsafeBufferPointer { tape.received($0, at: 2, &block) }
        }
        tape.incidents = [incident(.bodyAfterEnd, exchange: 20)]
        let trace = try #require(tape.trace(by: "test"))
        #expect(tape.forgotten > 10)
        #expect(trace.render().count < 2000)
        #expect(trace.expectations[0].exchange == 20 - Int(tape.forgotten))
        #expect(trace.pieces.first?.direction == .toUpstream)
    }

    @Test func whatIsTooLargeByItselfIsGivenUp() {
        let long = "HTTP/1.1 200 OK\r\nX-Long: " + String(repeating: "y", count: 5000) + "\r\nContent-Length: 0\r\n\r\n"
        #expect(tape(long, cutAt: 0, policy: CapturePolicy(bytesMax: 4096)).trace(by: "test") == nil)
    }

    @Test func aStatusLineInsideABodyStays() throws {
        let answer =
            "HTTP/1.1 200 OK\r\nContent-Length: 63\r\n\r\nsecret words HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nbad and more"
        let trace = try #require(tape(answer, cutAt: answer.utf8.count).trace(by: "test"))
        #expect(received(trace).contains("xxxxxxxxxxxxxHTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nxxx"))
    }
}
