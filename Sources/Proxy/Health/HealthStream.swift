import HTTP2
import Wire

/// One health check over HTTP/2: a connection with one stream.
///
/// Nothing is sent after the request, not even that the server's settings are acknowledged: its answer ends the connection.
final class HealthStream {
    private let session: HTTP2Session
    private var block: HeaderBlock
    private var bytes: [UInt8] = []

    /// Nil when there is no memory.
    init?(_ limits: HTTP2Limits) {
        guard let session = HTTP2Session(.client, limits) else { return nil }
        self.session = session
        block = HeaderBlock(capacity: limits.headerCountMax)
    }

    /// The bytes that ask; empty when that cannot be done.
    func request(_ head: [UInt8], isTLS: Bool) -> [UInt8] {
        let stream = head.withUnsafeBufferPointer {
            session.sendRequest($0.baseAddress!, $0.count, isTLS: isTLS, ended: true, tag: 0)
        }
        guard stream > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: HealthAnswer.bytesMax) { space, count in
            count = session.write(into: space.baseAddress!, capacity: space.count)
        }
    }

    func receive(_ more: UnsafeBufferPointer<UInt8>) -> HealthAnswer.Verdict {
        bytes.append(contentsOf: more)
        var verdict = HealthAnswer.Verdict.unfinished
        var used = 0
        bytes.withUnsafeMutableBufferPointer { space in
            while verdict == .unfinished {
                let step = session.receive(space.baseAddress! + used, count: space.count - used, now: 0, block: &block)
                used += step.consumed
                switch step.event {
                case .needMore: return
                case .head: verdict = HealthAnswer.verdict(status: block.status)
                case .reset(let code): verdict = .unhealthy("it reset the stream (\(code))")
                case .failed: verdict = .unhealthy("it does not speak HTTP/2")
                case .violation: verdict = .unhealthy("its answer is not HTTP/2 as it should be")
                case .goAway where session.openStreams == 0: verdict = .unhealthy("it goes away")
                default: continue
                }
            }
        }
        bytes.removeFirst(used)
        if verdict == .unfinished, bytes.count > 2 * HealthAnswer.bytesMax {
            return .unhealthy("its header block does not end")
        }
        return verdict
    }
}
