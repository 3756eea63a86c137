import CShim

/// Who waits for a connection, over all workers: how many for each upstream, and since when on each worker.
final class WaitingRoom: @unchecked Sendable {
    /// A connection goes to another worker only when somebody there has waited longer by so much: handing it over costs a new one.
    static let handoverNanoseconds: UInt64 = 20_000_000

    private let queueCount: Int
    private let workers: Int
    private let counts: UnsafeMutablePointer<UInt64>
    /// By worker, then by queue; 0 for nobody.
    private let since: UnsafeMutablePointer<UInt64>

    init(upstreams: Int, servers: Int, workers: Int) {
        queueCount = upstreams + servers
        self.workers = workers
        counts = .allocate(capacity: max(upstreams, 1))
        counts.initialize(repeating: 0, count: max(upstreams, 1))
        since = .allocate(capacity: max(workers * queueCount, 1))
        since.initialize(repeating: 0, count: max(workers * queueCount, 1))
    }

    deinit {
        counts.deallocate()
        since.deallocate()
    }

    /// Exchanges that wait for an upstream. Ordered: whoever gives room and then sees nobody was seen by whoever waits and then
    /// looks for room.
    @inline(__always)
    func count(_ upstream: Int) -> UInt64 { so_load_ordered(counts + upstream) }

    /// One more. False when that would be too many.
    func enter(_ upstream: Int, max: Int) -> Bool {
        if so_fetch_add(counts + upstream, 1) < UInt64(max) { return true }
        leave(upstream)
        return false
    }

    func leave(_ upstream: Int) { _ = so_fetch_add(counts + upstream, -1) }

    /// Since when the first in a queue has been waiting; 0 for nobody.
    func setSince(_ time: UInt64, worker: Int, queue: Int) { so_store(since + worker * queueCount + queue, time) }

    /// The worker where somebody waits in one of two queues for longer than here, by so much that it should have the
    /// next connection.
    func handover(besides worker: Int, queues: (Int, Int)) -> Int? {
        let own = oldest(worker, queues)
        var handover: Int?
        var oldest = own == .max ? own : own - min(own, Self.handoverNanoseconds)
        for other in 0..<workers where other != worker {
            let time = self.oldest(other, queues)
            guard time < oldest else { continue }
            oldest = time
            handover = other
        }
        return handover
    }

    private func oldest(_ worker: Int, _ queues: (Int, Int)) -> UInt64 {
        let a = so_load(since + worker * queueCount + queues.0)
        let b = so_load(since + worker * queueCount + queues.1)
        return min(a == 0 ? .max : a, b == 0 ? .max : b)
    }
}
