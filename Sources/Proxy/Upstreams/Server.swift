import CShim
import EventLoop

/// One server of an upstream as a worker sees it: its pool, and what is held against it.
struct Server: BitwiseCopyable {
    var upstream: UInt16
    var index: UInt16
    var weight: UInt32 = 1
    /// Facts that all workers share.
    var shared: UnsafeMutablePointer<SharedServer>
    /// Pooled connections, the one that has rested the longest first; it may be taken after `hold`.
    var resting = ConnectionList()
    /// Pooled connections that have rested so long that hardly a stray is still to come, the last one pooled first.
    var settled = ConnectionList()
    /// Connections that are only listened to, the longest first.
    var listening = ConnectionList()
    var idleCount: Int32 = 0
    /// HTTP/2 connections, the newest first, linked through `next`.
    var multiplexFirst: Int32 = -1
    /// Exchanges in progress.
    var activeCount: Int32 = 0
    /// Connections of this worker, in whatever phase.
    var connectionCount: Int32 = 0
    /// It is given by name: which generation of its addresses holds, and whose turn it is. Otherwise nil.
    var addressGeneration: UnsafePointer<UInt64>?
    var addressTurn: UInt32 = 0
    /// Places under the limit that other workers have left to this one, counted among the shared connections.
    var granted: Int32 = 0
    /// Its credit for being chosen in turn: grows with its share, pays with the sum of all shares.
    var turnCredit: Int32 = 0
}
