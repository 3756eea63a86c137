import HTTP2
import Testing

@testable import Proxy

/// A health check over HTTP/2: what its server's frames come to, wherever they are cut.
@Suite struct HealthStreamTests {
    private static func frame(_ type: UInt8, _ flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
    }

    private static let settings = frame(4, 0, stream: 0, [])
    /// A header block with a status of the static table (RFC 7541 appendix A), or one in words.
    private static func head(_ block: [UInt8], ends: Bool = true) -> [UInt8] { frame(1, ends ? 5 : 4, stream: 1, block) }
    private static func status(_ text: String) -> [UInt8] { [0x08, UInt8(text.utf8.count)] + Array(text.utf8) }

    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var bytes: [UInt8]
        var verdict: HealthAnswer.Verdict
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "nothing", bytes: [], verdict: .unfinished),
        Case(name: "settings alone", bytes: settings, verdict: .unfinished),
        Case(name: "200", bytes: settings + head([0x88]), verdict: .healthy),
        Case(name: "204", bytes: settings + head([0x89]), verdict: .healthy),
        Case(name: "200 with a body to come", bytes: settings + head([0x88], ends: false), verdict: .healthy),
        Case(name: "399", bytes: settings + head(status("399")), verdict: .healthy),
        Case(name: "400", bytes: settings + head([0x8c]), verdict: .unhealthy("it answered 400")),
        Case(name: "503", bytes: settings + head(status("503")), verdict: .unhealthy("it answered 503")),
        Case(
            name: "an interim answer first", bytes: settings + head(status("103"), ends: false) + head([0x88]),
            verdict: .healthy),
        Case(name: "an interim answer alone", bytes: settings + head(status("103"), ends: false), verdict: .unfinished),
        Case(
            name: "HTTP/1", bytes: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
            verdict: .unhealthy("it does not speak HTTP/2")),
        Case(
            name: "a refused stream", bytes: settings + frame(3, 0, stream: 1, [0, 0, 0, 7]),
            verdict: .unhealthy("it reset the stream (7)")),
        Case(
            name: "no status at all", bytes: settings + head([]),
            verdict: .unhealthy("its answer is not HTTP/2 as it should be")),
    ]

    private func verdict(_ pieces: [[UInt8]]) throws -> HealthAnswer.Verdict {
        let stream = try #require(HealthStream(HTTP2Limits()))
        let request = stream.request(Array("GET /up HTTP/1.1\r\nHost: a\r\n\r\n".utf8), isTLS: false)
        #expect(String(decoding: request.prefix(24), as: UTF8.self) == "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        var answer = HealthAnswer(stream)
        var last = HealthAnswer.Verdict.unfinished
        for piece in pieces where last == .unfinished { last = piece.withUnsafeBufferPointer { answer.receive($0) } }
        return last
    }

    @Test(arguments: cases)
    func verdicts(_ one: Case) throws {
        #expect(try verdict([one.bytes]) == one.verdict)
        #expect(try verdict(one.bytes.map { [$0] }) == one.verdict, "byte by byte")
    }

    /// What has been read is not held: frames that do not concern it may be many.
    @Test func framesOfAnotherSortArePassedOver() throws {
        let stranger = Self.frame(0x42, 0, stream: 0, [UInt8](repeating: 7, count: 1000))
        let strangers = [[UInt8]](repeating: stranger, count: 50)
        #expect(try verdict([Self.settings] + strangers) == .unfinished)
        #expect(try verdict([Self.settings] + strangers + [Self.head([0x88])]) == .healthy)
    }

    @Test func aServerThatNeverAnswersIsBounded() throws {
        let stream = try #require(HealthStream(HTTP2Limits()))
        _ = stream.request(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), isTLS: true)
        var answer = HealthAnswer(stream)
        // A frame that is announced and does not end.
        var bytes = Self.settings + [0, 0x40, 0, 0, 0, 0, 0, 0, 1]
        var last = bytes.withUnsafeBufferPointer { answer.receive($0) }
        bytes = [UInt8](repeating: 0, count: 1000)
        for _ in 0..<50 where last == .unfinished { last = bytes.withUnsafeBufferPointer { answer.receive($0) } }
        #expect(last != .healthy)
    }
}
