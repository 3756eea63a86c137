import CShim
import EventLoop

/// One server of an upstream as a worker sees it: where it stands, and how much it has to do.
struct Server: BitwiseCopyable {
    var upstream: UInt16
    var index: UInt16
    var weight: UInt32 = 1
    /// Facts that all workers share.
    var shared: UnsafeMutablePointer<SharedServer>
    /// HTTP/2 connections, the newest first.
    var sharedConnections = ConnectionList<UpstreamConnection>()
    /// Streams put on a connection before it has said how many it allows (RFC 9113 section 6.5.2 recommends 100), or as many as an
    /// earlier one has allowed.
    var streamsAtFirst: Int32 = 100
    /// Whether a request would find a connection, as the worker has seen just before it chooses.
    var hasRoom = false
    /// Exchanges in progress.
    var activeCount: Int32 = 0
    /// It is given by name: which generation of its addresses holds, and whose turn it is. Otherwise nil.
    var addressGeneration: UnsafePointer<UInt64>?
    var addressTurn: UInt32 = 0
    /// Its credit for being chosen in turn: grows with its share, pays with the sum of all shares.
    var turnCredit: Int32 = 0
}
