/// What a simulated connection is like. Times are nanoseconds, sizes bytes.
public struct Link: Sendable {
    /// Where the bytes of one write are cut into segments that arrive by themselves.
    public enum Cuts: Sendable {
        case never, everyByte
        /// At each byte with this probability.
        case perMille(Int)
    }

    /// One way; each segment's own delay comes on top, up to `jitter`.
    public var latency: UInt64 = 50_000
    public var jitter: UInt64 = 0
    /// Segments that a cut made arrive up to so long after one another.
    public var cutDelay: UInt64 = 200_000
    public var cuts = Cuts.never
    /// Bytes a second, each way and for each connection; 0: as many as there are.
    public var bytesPerSecond: UInt64 = 0
    /// The longest segment.
    public var segmentBytesMax = Int.max
    /// For so long nothing arrives, once in so much time; 0: never.
    public var gap: UInt64 = 0
    public var gapEvery: UInt64 = 0
    /// An acknowledgement that no data carries waits up to so long.
    public var acknowledgementDelay: UInt64 = 0
    /// Capacity of each end's buffers.
    public var sendBytesMax = 64 << 10
    public var receiveBytesMax = 64 << 10
    /// Writes that take only a part although there is room, as when memory is short.
    public var shortWritesPerMille = 0
    /// A Unix-domain connection: no latency, nothing is acknowledged, bytes wait until they are read.
    public var isUnix = false

    public init() {}
}
