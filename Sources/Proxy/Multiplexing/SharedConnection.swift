import Detector
import EventLoop
import HTTP2
import Report

/// One HTTP/2 connection's session, and what the worker remembers of its streams. A class: one a connection, never one a request.
final class SharedConnection {
    let session: HTTP2Session
    let connection: ConnectionSlot
    /// Streams in progress, by slot, the newest first: those of a client's connection, or those of an upstream's.
    private(set) var clientStreams = ConnectionList<ClientConnection>()
    private(set) var upstreamStreams = ConnectionList<UpstreamConnection>()
    private(set) var streamCount: Int32 = 0
    /// Streams whose requests wait for room for their answers. Clients only.
    var awaitingRoom = 0
    /// Streams that it takes at once, as far as is known: a server that cannot take so many refuses them.
    var streamsMax: Int32 = .max
    /// Requests for tunnels wait for the server's SETTINGS, which say whether it takes them. Upstreams only.
    var holdsTunnels = false
    /// Answers that have ended, to attribute what may still come. Upstreams only.
    var finished: History<FinishedStream>?
    /// It has answered something. Upstreams only.
    var hasServed: Bool { (finished?.count ?? 0) > 0 }
    /// Requests whose exchanges are over, for the same end. Clients only.
    var recent = RecentRequests()
    /// What is to be recorded of the client when the turn ends, with all that has come of it by then.
    var surplus: ClientIncident?
    /// Its turn ended before all that has been read was worked off; it has another.
    var isInterrupted = false
    /// Whether the connection moves, while it sets the pace of a stream's answer. Clients only.
    var pace = Pace()
    /// When its window, which held all streams up, had room again. Clients only.
    private(set) var windowOpenedAt: UInt64 = 0
    /// What its client's kernel had acknowledged when that was looked at last, and since when it has been so much. Clients only.
    private var arrived = (bytes: Int64(-1), since: UInt64(0))
    /// When its socket last took some of what it had not taken at once. Upstreams only.
    var flushedAt: UInt64 = 0
    /// Frames on streams that nobody opened have been recorded: more of them are no other incident. Upstreams only.
    var hasRecordedUnrequested = false
    /// Is counted among the idle ones. Upstreams only.
    var countsAsIdle = false
    /// Has, or may have, frames to send when the turn ends: `Multiplexing` knows.
    var isMarked = false

    init(_ session: HTTP2Session, _ connection: ConnectionSlot) {
        self.session = session
        self.connection = connection
    }

    deinit { recent.deallocate() }

    /// A stream has begun, in a slot of its own.
    func begin(_ stream: ClientSlot, _ clients: borrowing Slab<ClientConnection>) {
        clientStreams.prepend(stream, clients)
        streamCount += 1
    }

    func begin(_ stream: UpstreamSlot, _ upstreams: borrowing Slab<UpstreamConnection>) {
        upstreamStreams.prepend(stream, upstreams)
        streamCount += 1
    }

    /// Body bytes of a stream have been passed on: its peer may send as many more.
    func consumed(_ stream: Int32, _ count: Int, _ now: UInt64) {
        let wasShut = session.isWindowShut
        session.consumed(stream, count)
        if wasShut, !session.isWindowShut { windowOpenedAt = now }
    }

    /// When bytes of its streams went to its peer last, of those that had to wait.
    var movedAt: UInt64 { max(session.movedAt, flushedAt) }

    /// Since when the client's kernel has acknowledged so much and no more, as far as has been looked.
    func arrivedSince(_ bytes: Int64, _ now: UInt64) -> UInt64 {
        if bytes != arrived.bytes { arrived = (bytes, now) }
        return arrived.since
    }

    /// It is over.
    func end(_ stream: ClientSlot, _ clients: borrowing Slab<ClientConnection>) {
        clientStreams.remove(stream, clients)
        streamCount -= 1
    }

    func end(_ stream: UpstreamSlot, _ upstreams: borrowing Slab<UpstreamConnection>) {
        upstreamStreams.remove(stream, upstreams)
        streamCount -= 1
    }
}
