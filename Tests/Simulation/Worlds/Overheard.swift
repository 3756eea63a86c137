import Simulation

/// A client's connection as it is at the worker's end: how much of it the worker has read and when, and all that the worker has
/// written to it, whether that arrives or not.
final class Overheard {
    /// How far, at a time.
    private typealias Mark = (total: Int, time: UInt64)

    private(set) var said: [UInt8] = []
    private var reads: [Mark] = []
    private var writes: [Mark] = []

    var readTotal: Int { reads.last?.total ?? 0 }

    func listen(to socket: SimulatedSocket, _ network: SimulatedNetwork) {
        socket.isRead = { [unowned network] in self.reads.append((Int($0), network.time)) }
        socket.overhears = { [unowned network] in
            self.said += $0
            self.writes.append((self.said.count, network.time))
        }
    }

    /// When the worker had read so many bytes; nil: never.
    func readTime(of total: Int) -> UInt64? { Self.time(of: total, reads) }
    /// When it had written so many.
    func writeTime(of total: Int) -> UInt64 { Self.time(of: total, writes) ?? .max }

    private static func time(of total: Int, _ marks: [Mark]) -> UInt64? {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].total < total { low = middle + 1 } else { high = middle }
        }
        return low < marks.count ? marks[low].time : nil
    }
}
