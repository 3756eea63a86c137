import Detector
import HTTP2

/// One HTTP/2 connection's session, and what the worker remembers of its streams. A class: one a connection, never one a request.
final class Multiplex {
    let session: HTTP2Session
    /// Streams in progress.
    var streamCount: Int32 = 0
    /// Streams that it takes at once, as far as is known: a server that cannot take so many refuses them.
    var streamsMax: Int32 = .max
    /// The first of their slots, linked through `nextStream`; -1 for none.
    var firstStream: Int32 = -1
    /// Requests for tunnels wait for the server's SETTINGS, which say whether it takes them. Upstreams only.
    var holdsTunnels = false
    /// Answers that have ended, to attribute what may still come. Upstreams only.
    var finished: History<FinishedStream>?
    /// Requests whose exchanges are over, for the same end. Clients only.
    var recent = RecentRequests()
    /// Its turn ended before all that has been read was worked off; it has another.
    var isInterrupted = false
    /// Whether the connection moves, while it sets the pace of a stream's answer. Clients only.
    var pace = Pace()
    /// In the worker's list of sessions that have frames to send.
    var isUnsent = false

    init(_ session: HTTP2Session) { self.session = session }

    deinit { recent.deallocate() }
}

/// The worker's multiplexes by number.
struct MultiplexTable {
    private var places: [Multiplex?] = []
    private var free: [Int32] = []

    subscript(_ number: Int32) -> Multiplex { places[Int(number)]! }

    mutating func add(_ multiplex: Multiplex) -> Int32 {
        if let number = free.popLast() {
            places[Int(number)] = multiplex
            return number
        }
        places.append(multiplex)
        return Int32(places.count - 1)
    }

    mutating func remove(_ number: Int32) {
        places[Int(number)] = nil
        free.append(number)
    }
}
