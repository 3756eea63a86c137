import CShim
import EventLoop

/// One server of an upstream as a worker sees it: its pool, and what is held against it.
struct Server: BitwiseCopyable {
    var upstream: UInt16
    var index: UInt16
    var weight: UInt32 = 1
    /// Facts that all workers share.
    var shared: UnsafeMutablePointer<SharedServer>
    /// Pooled connections that have not rested yet, oldest first.
    var restingFirst: Int32 = -1
    var restingLast: Int32 = -1
    /// Pooled connections that can be taken, the last one pooled first.
    var readyFirst: Int32 = -1
    /// Connections that are only listened to, the longest first.
    var listeningFirst: Int32 = -1
    var listeningLast: Int32 = -1
    var idleCount: Int32 = 0
    /// Exchanges in progress.
    var activeCount: Int32 = 0
    /// Connections of this worker, in whatever phase.
    var connectionCount: Int32 = 0
}

/// What the workers share about a server. Plain memory, read and written with relaxed atomics.
struct SharedServer {
    /// Connections over all workers.
    var connections: UInt64 = 0
    /// Of those, pooled.
    var idle: UInt64 = 0
    /// End of its quarantine on the loop's clock, 0 for none.
    var quarantinedUntil: UInt64 = 0
    /// 0 while health checks find it down.
    var isUp: UInt64 = 1
    /// Connect failures in a row.
    var failures: UInt64 = 0
    /// Not used before this time, unless every server is ejected.
    var ejectedUntil: UInt64 = 0
    /// Connections that the server ended by itself: how many, and when the last.
    var endings: UInt64 = 0
    var endedAt: UInt64 = 0
    /// Connections taken before they had rested, because the limit was reached.
    var unrested: UInt64 = 0
    /// Connections that were listened to for a shorter time, because the limit was reached.
    var listeningCut: UInt64 = 0
}
