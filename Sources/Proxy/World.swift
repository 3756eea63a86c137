import CShim
import Glibc
import Logging
import Report

/// What a worker is given from outside, and shares with the others.
public final class World: @unchecked Sendable {
    let counters: [WorkerCounters]
    let recorder: IncidentRecorder
    /// Nil when requests are not logged.
    let accessLog: AccessLog?
    let gauges: ServerGauges?
    let log: Logger
    /// One a worker.
    let mailboxes: [Mailbox]
    /// One place a server, in the order of the plan's upstreams. Relaxed atomics only.
    let sharedServers: UnsafeMutablePointer<SharedServer>
    let serverCount: Int
    /// A client's connection with this descriptor or a higher one is the last for the time being.
    let clientDescriptorMax: Int32
    /// Wakes the thread that watches over the servers; -1 when there is none.
    let watchWakeUp: Int32
    private let words: UnsafeMutablePointer<UInt64>

    public init(
        plan: Plan, counters: [WorkerCounters], recorder: IncidentRecorder, accessLog: AccessLog? = nil, gauges: ServerGauges?,
        log: Logger, wakes: Bool = true
    ) {
        self.counters = counters
        self.recorder = recorder
        self.accessLog = accessLog
        self.gauges = gauges
        self.log = log
        mailboxes = counters.map { _ in Mailbox(fd: wakes ? so_eventfd() : -1) }
        watchWakeUp = wakes ? so_eventfd() : -1
        // Descriptors of a simulation are none.
        clientDescriptorMax = wakes ? Self.clientDescriptorMax : .max
        serverCount = plan.upstreams.reduce(0) { $0 + $1.servers.count }
        sharedServers = .allocate(capacity: max(serverCount, 1))
        sharedServers.initialize(repeating: SharedServer(), count: max(serverCount, 1))
        words = .allocate(capacity: 2)
        words.initialize(repeating: 0, count: 2)
    }

    deinit {
        for mailbox in mailboxes where mailbox.fd >= 0 { _ = so_close(mailbox.fd) }
        if watchWakeUp >= 0 { _ = so_close(watchWakeUp) }
        sharedServers.deallocate()
        words.deallocate()
    }

    /// Whether the next descriptor would be one for a client. Costs two system calls.
    var hasRoomForClient: Bool {
        guard clientDescriptorMax < .max else { return true }
        let lowestFree = dup(watchWakeUp)
        if lowestFree >= 0 { _ = so_close(lowestFree) }
        return lowestFree >= 0 && lowestFree < clientDescriptorMax
    }

    /// All but an eighth of the descriptors that this process may have. The lowest free number is given out first.
    private static var clientDescriptorMax: Int32 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return Int32(clamping: limit.rlim_cur - min(max(limit.rlim_cur / 8, 8), 4096))
    }

    /// A number for a new upstream connection, unique in the process, from 1.
    func nextConnectionNumber() -> UInt64 { so_fetch_add(words, 1) + 1 }

    /// Counts client connections over all workers; gives the count before.
    func changeClients(by difference: Int64) -> UInt64 { so_fetch_add(words + 1, difference) }

    /// A worker passes a server over from now on: its gauge says so, until the watch sees it come back.
    func serverEjected(upstream: Int, server: Int) {
        gauges?.setUp(upstream: upstream, server: server, false)
        wakeWatch()
    }

    func wakeWatch() {
        guard watchWakeUp >= 0 else { return }
        var one: UInt64 = 1
        _ = so_write(watchWakeUp, &one, 8)
    }
}
