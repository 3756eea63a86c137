import CShim
import Configuration
import EventLoop
import Glibc
import Logging
import Report
import Synchronization

/// All workers of one plan: their threads, their end. A reload replaces the fleet; the earlier one serves whom it has.
public final class Fleet: Sendable {
    /// The workers cannot be started.
    public struct StartError: Error, CustomStringConvertible {
        public var description: String
    }

    /// Connections that may wait to be accepted on one socket.
    static let backlog: Int32 = 4096

    public let fleetState: FleetState
    public let plan: Plan
    private let sockets: ListeningSockets
    private let threads = Mutex<[NamedThread]>([])
    private let leaves = Atomic(false)
    private let running: Atomic<Int>
    /// Until the fleet leaves: then its successor's watches.
    private let watch: Mutex<ServerWatch?>

    /// Starts the workers and waits until each accepts clients. `ended` is an eventfd that is written when the last has ended.
    public init(plan: Plan, sockets: ListeningSockets, workers: Int, fleetState: FleetState, ended: Int32) throws(StartError) {
        self.plan = plan
        self.fleetState = fleetState
        self.sockets = sockets
        running = Atomic(workers)
        watch = Mutex(ServerWatch(plan: plan, fleetState: fleetState))
        let started = Monitor<[Bool]>([])
        var failed = false
        for worker in 0..<workers {
            let listeners = sockets.forWorker(worker, of: workers)
            let body: @Sendable () -> Void = { [self] in
                run(worker, listeners) { isReady in started.update { $0.append(isReady) } }
                fleetState.recorder.metrics.retire(fleetState.counters[worker])
                if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                    var one: UInt64 = 1
                    _ = so_write(ended, &one, 8)
                }
            }
            guard let thread = NamedThread("worker-\(worker)", body) else {
                for listener in listeners { _ = so_close(listener.descriptor) }
                running.subtract(workers - worker, ordering: .relaxed)
                failed = true
                break
            }
            threads.withLock { $0.append(thread) }
        }
        let count = threads.withLock { $0.count }
        let results = started.wait { $0.count == count ? $0 : nil }
        guard !failed, !results.contains(false) else {
            drain(within: 0)
            join()
            throw StartError(description: "cannot start the workers: no memory, descriptors or threads")
        }
    }

    /// Makes the worker in its own thread and lets it turn until it is told to stop.
    private func run(_ index: Int, _ listeners: [WorkerListener], _ started: (Bool) -> Void) {
        let poll = so_epoll_create()
        defer { if poll >= 0 { _ = so_close(poll) } }
        var seed: UInt64 = 0
        _ = so_random(&seed, 8)
        guard poll >= 0,
            var worker = Worker(index: index, kernel: Kernel(), poll: poll, plan: plan, fleetState: fleetState, seed: seed)
        else {
            for listener in listeners { _ = so_close(listener.descriptor) }
            return started(false)
        }
        worker.watchMailbox()
        var isReady = true
        for listener in listeners where worker.addListener(fd: listener.descriptor, index: listener.index) < 0 {
            isReady = false
        }
        started(isReady)
        worker.run()
    }

    /// Stops accepting; answers in progress are finished, at most within so many nanoseconds: by the plan in force, whichever they began
    /// under. A second call changes nothing.
    public func drain(within time: UInt64) {
        leaves.store(true, ordering: .relaxed)
        for mailbox in fleetState.mailboxes { mailbox.post(.drain(time)) }
    }

    /// Leaves clients, as soon as they are idle, to another fleet; without one, to another process that has the same sockets.
    /// There is no deadline: whoever is being served is served to the end.
    public func retire(to successor: Fleet?) {
        leaves.store(true, ordering: .relaxed)
        let succession = successor.map {
            Succession(mailboxes: $0.fleetState.mailboxes, listeners: sockets.places(in: $0.sockets))
        }
        for mailbox in fleetState.mailboxes { mailbox.post(.retire(succession)) }
        stopWatching()
        guard let successor else { return }
        successor.fleetState.forgetUnchecked(successor.plan)
        successor.fleetState.wakeWatch()
    }

    public var isLeaving: Bool { leaves.load(ordering: .relaxed) }
    public var hasEnded: Bool { running.load(ordering: .acquiring) == 0 }

    /// Waits until every worker has ended.
    public func join() {
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in threads { thread.join() }
        stopWatching()
    }

    private func stopWatching() {
        let watch = watch.withLock { watch in
            defer { watch = nil }
            return watch
        }
        watch?.stop()
    }
}

/// A listening socket as a worker gets it: a descriptor of its own.
struct WorkerListener: Sendable {
    var index: Int
    var descriptor: Int32
}

extension ListeningSockets {
    /// Duplicates of the sockets that a worker accepts on. No socket is left out when there are more than workers.
    func forWorker(_ worker: Int, of workers: Int) -> [WorkerListener] {
        listeners.enumerated().flatMap { index, listener in
            let own = listener.descriptors.indices.filter { listener.isShared || $0 % workers == worker }
            return own.map { WorkerListener(index: index, descriptor: so_duplicate(listener.descriptors[$0])) }
        }
    }
}
