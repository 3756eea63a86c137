import CShim
import Synchronization

/// Orders to a worker from other threads: a short list behind a lock, and an eventfd that wakes the loop.
final class Mailbox: Sendable {
    enum Order: Sendable {
        case drain, stop
        /// A place under a server's limit of connections is left to this worker.
        case grant(Int)
        /// Somebody waits elsewhere for a connection to the server: one that is idle is to be given up.
        case giveIdle(Int)
    }

    let fd: Int32
    private let orders = Mutex<[Order]>([])

    /// -1 as descriptor stands for a worker that is driven by hand, as in a simulation.
    init(fd: Int32) { self.fd = fd }

    @discardableResult
    func post(_ order: Order) -> Bool {
        orders.withLock { $0.append(order) }
        guard fd >= 0 else { return true }
        var one: UInt64 = 1
        _ = so_write(fd, &one, 8)
        return true
    }

    func take() -> [Order] {
        if fd >= 0 {
            var count: UInt64 = 0
            _ = so_read(fd, &count, 8)
        }
        return orders.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }
}
