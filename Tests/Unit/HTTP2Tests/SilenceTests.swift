import HTTP2
import Testing

/// Answers of which nothing more comes, beside others.
@Suite struct SilenceTests {
    private static let second: UInt64 = 1_000_000_000
    private let upstream = Endpoint(.client)

    /// Two requests, whose answers have begun.
    init() {
        ask()
        ask()
        upstream.receive(Frames.settings() + Self.head(1) + Self.head(3))
    }

    private func ask() { upstream.request("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }

    private static func head(_ stream: UInt32) -> [UInt8] {
        Frames.headers(stream, [(":status", "200"), ("content-length", "900")])
    }

    /// What comes after so many seconds since the last.
    private func receive(_ bytes: [UInt8], after seconds: UInt64 = 0) {
        upstream.now += seconds * Self.second
        upstream.receive(bytes)
    }

    private func silence(of stream: Int32, after seconds: UInt64 = 0) -> StreamSilence {
        upstream.now += seconds * Self.second
        return upstream.session.silence(of: stream, idle: 10 * Self.second, now: upstream.now)
    }

    @Test func aConnectionThatIsSilent() {
        receive(Frames.data(1, "some") + Frames.data(3, "some"))
        #expect(silence(of: 1, after: 10) == .hasStopped)
        #expect(silence(of: 3) == .hasStopped)
    }

    /// The other may be served first, whichever is older.
    @Test(arguments: [1, 3] as [UInt32]) func behindAnother(_ served: UInt32) {
        let waiting = Int32(4 - served)
        receive(Frames.data(served, "some"), after: 6)
        let came = upstream.now
        #expect(silence(of: waiting, after: 4) == .mayStandBehindOthers(until: came + 10 * Self.second))
        // Neither goes on.
        #expect(silence(of: waiting, after: 6) == .hasStopped)
        #expect(silence(of: Int32(served)) == .hasStopped)
    }

    @Test func whatCameFirstIsServedFirst() {
        receive(Frames.data(1, "some"))
        ask()
        receive(Self.head(5) + Frames.data(5, "some"), after: 9)
        #expect(silence(of: 1, after: 1) == .hasStopped)
        #expect(silence(of: 3) == .hasStopped)
    }

    /// Its own last bytes came when the newer request had been sent.
    @Test func aRequestFromBeforeItsSilence() {
        ask()
        receive(Self.head(5) + Frames.data(1, "some"))
        receive(Frames.data(5, "some"), after: 9)
        #expect(silence(of: 1, after: 1) == .mayStandBehindOthers(until: upstream.now + 9 * Self.second))
    }

    @Test func nobodyWaitsForEver() {
        for _ in 0..<16 { receive(Frames.data(1, "some"), after: 6) }
        #expect(silence(of: 3) == .mayStandBehindOthers(until: 1_000_000_000 + 100 * Self.second))
        receive(Frames.data(1, "some"), after: 4)
        #expect(silence(of: 3) == .isTooLong)
    }
}
