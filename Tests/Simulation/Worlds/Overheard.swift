import Simulation

/// A client's connection as it is at the worker's end: how much of it the worker has read and when, and all that the worker has
/// written to it, whether that arrives or not. With TLS: of what is in the records.
final class Overheard {
    /// How far, at a time.
    private typealias Mark = (total: Int, time: UInt64)

    private var tls: PeerTLS?
    private var written: [UInt8] = []
    private var reads: [Mark] = []
    private var writes: [Mark] = []
    /// Known when all is over: the client itself may have been given a part of it alone.
    private lazy var heard = tls.map { $0.hear(all: written) }

    /// From the connection's beginning on.
    func listen(to client: SimulatedPeer, _ network: SimulatedNetwork) {
        tls = client.layer as? PeerTLS ?? (client.layer as? RoughHandshake)?.tls
        tls?.listen()
        client.socket?.isLeft = { [unowned self, unowned network] in leftAt = network.time }
        client.socket?.isRead = { [unowned self, unowned network] in reads.append((Int($0), network.time)) }
        client.socket?.overhears = { [unowned self, unowned network] in
            written += $0
            writes.append((written.count, network.time))
        }
    }

    /// What the worker has said.
    var said: [UInt8] { heard?.said ?? written }
    var readTotal: Int {
        let total = reads.last?.total ?? 0
        return tls?.given(within: total) ?? total
    }
    /// With its records as they are.
    var writtenBytes: [UInt8] { written }
    /// When the worker has read, at last, and when it has closed the connection.
    var lastReadTime: UInt64? { reads.last?.time }
    private(set) var leftAt: UInt64?

    /// When the worker had read so many bytes; nil: never.
    func readTime(of total: Int) -> UInt64? { Self.time(of: tls?.made(for: total) ?? total, reads) }
    /// When it had written so many.
    func writeTime(of total: Int) -> UInt64 { Self.time(of: heard?.taken(for: total) ?? total, writes) ?? .max }

    private static func time(of total: Int, _ marks: [Mark]) -> UInt64? {
        let place = marks.partitioned { $0.total < total }
        return place < marks.count ? marks[place].time : nil
    }
}

extension Array {
    /// How many stand before all for which this does not hold: those for which it does are in front.
    func partitioned(_ isBefore: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
