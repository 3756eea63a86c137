import Detector
import EventLoop
import HTTP2
import Report

/// One HTTP/2 connection's session, and what the worker remembers of its streams. A class: one a connection, never one a request.
final class Multiplex {
    let session: HTTP2Session
    /// Whose connection it is, and its slot.
    let side: SideLabel
    let slot: Int32
    /// Streams in progress, by slot, the newest first.
    private(set) var streams = ConnectionList()
    private(set) var streamCount: Int32 = 0
    /// Streams that it takes at once, as far as is known: a server that cannot take so many refuses them.
    var streamsMax: Int32 = .max
    /// Requests for tunnels wait for the server's SETTINGS, which say whether it takes them. Upstreams only.
    var holdsTunnels = false
    /// Answers that have ended, to attribute what may still come. Upstreams only.
    var finished: History<FinishedStream>?
    /// Requests whose exchanges are over, for the same end. Clients only.
    var recent = RecentRequests()
    /// What is to be told of the client when the turn ends, with all that has come of it by then.
    var surplus: ClientIncident?
    /// Its turn ended before all that has been read was worked off; it has another.
    var isInterrupted = false
    /// Whether the connection moves, while it sets the pace of a stream's answer. Clients only.
    var pace = Pace()
    /// Has, or may have, frames to send when the turn ends: `Multiplexing` knows.
    var isMarked = false

    init(_ session: HTTP2Session, _ side: SideLabel, _ slot: Int32) {
        self.session = session
        self.side = side
        self.slot = slot
    }

    deinit { recent.deallocate() }

    /// A stream has begun, in a slot of its own.
    func begin<Element: Listed>(_ stream: Int32, _ slab: borrowing Slab<Element>) {
        streams.prepend(stream, slab)
        streamCount += 1
    }

    /// It is over.
    func end<Element: Listed>(_ stream: Int32, _ slab: borrowing Slab<Element>) {
        streams.remove(stream, slab)
        streamCount -= 1
    }
}
