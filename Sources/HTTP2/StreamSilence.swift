/// What it means that a server has sent nothing on a stream for a time.
///
/// It may send its answers one after the other (RFC 9218 section 10), and over a slow link: then what it has to say stands behind others'.
/// Not so where DATA has come for a request that was sent when this answer had fallen silent, or where nothing has come on any stream.
@frozen
public enum StreamSilence: Equatable, Sendable {
    case hasStopped
    /// To be looked at again then.
    case mayStandBehindOthers(until: UInt64)
    /// It may still do so, and has for longer than is waited for.
    case isTooLong
}

extension SessionState {
    /// So many times the time that an answer may be silent is waited for one that may stand behind others.
    static var silencesMax: UInt64 { 10 }

    /// Something of an answer has come.
    @inline(__always)
    func hear(_ stream: UnsafeMutablePointer<StreamState>) {
        unsafe stream.pointee.heardNext = nextStream
        unsafe stream.pointee.movedAt = now
    }

    /// - Parameter idle: for how long an answer may be silent, in nanoseconds.
    func silence(of id: Int32, idle: UInt64, now: UInt64) -> StreamSilence {
        let place = streams.find(id)
        guard place >= 0 else { return .hasStopped }
        let ends = dataCameAt + idle
        guard ends > now, unsafe newestHeard < streams[place].pointee.heardNext else { return .hasStopped }
        let most = unsafe streams[place].pointee.movedAt + Self.silencesMax * idle
        return most > now ? .mayStandBehindOthers(until: min(ends, most)) : .isTooLong
    }
}
