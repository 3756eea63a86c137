import CShim
import Report
import Synchronization

/// Orders to a worker from other threads: a short list under a lock, and an eventfd that wakes the loop.
final class Mailbox: Sendable {
    enum Order: Sendable {
        /// End, with a deadline in so many nanoseconds.
        case drain(UInt64)
        /// End in your own time; the workers of the succession go on, or another process when there is none.
        case retire(Succession?)
        /// A client that another worker leaves to this one.
        case adopt(MovedClient)
        /// A place under a server's limit of connections is left to this worker.
        case grant(ServerIndex)
        /// Somebody waits elsewhere for a connection to the server: one that is idle is to be given up.
        case giveIdle(ServerIndex)
        /// Somebody waits elsewhere for a connection to the upstream: one whose client does not move is to be given up.
        case giveUpStill(Int)
        /// The probe has reported of this exchange: whoever serves it says who its client is.
        case identify(ExchangeMark)
        /// Say that you have had a turn: a report of the probe waits for what you may have seen.
        case pass(UInt64)
    }

    private struct Waiting {
        var orders: [Order] = []
        var isClosed = false
    }

    let fd: Int32
    private let waiting = Mutex(Waiting())

    /// -1 as descriptor stands for a worker that is driven by hand, as in a simulation.
    init(fd: Int32) { self.fd = fd }

    deinit { if fd >= 0 { _ = so_close(fd) } }

    /// False when the worker has ended: the order was not taken.
    @discardableResult
    func post(_ order: Order) -> Bool {
        let (isTaken, isFirst) = waiting.withLock { waiting in
            guard !waiting.isClosed else { return (false, false) }
            waiting.orders.append(order)
            return (true, waiting.orders.count == 1)
        }
        guard isFirst, fd >= 0 else { return isTaken }
        var one: UInt64 = 1
        _ = so_write(fd, &one, 8)
        return isTaken
    }

    func take() -> [Order] {
        if fd >= 0 {
            var count: UInt64 = 0
            _ = so_read(fd, &count, 8)
        }
        return waiting.withLock { waiting in
            defer { waiting.orders.removeAll() }
            return waiting.orders
        }
    }

    /// No order is taken any more. False, and nothing changes, when there is one to be carried out first.
    func close() -> Bool {
        waiting.withLock { waiting in
            guard waiting.orders.isEmpty else { return false }
            waiting.isClosed = true
            return true
        }
    }
}
