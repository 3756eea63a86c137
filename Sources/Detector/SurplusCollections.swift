import Facts

/// What is being collected on all connections to upstreams, each collection by where it comes from; and what has begun like an answer
/// inside a body, which may yet turn out to be one.
///
/// A connection's bytes are settled by whoever reads it, when they have ended or its deadline is over. What comes on streams that are
/// over has no connection of its own: those are settled in the order in which they began. The exchanges of a collection that is kept
/// here own their requests' bytes: whoever takes it gives them back.
public struct SurplusCollections<Exchange: RememberedExchange> {
    /// A connection's bytes, or the frames of one of its streams.
    public struct Source: Hashable, Sendable {
        public let connection: Int32
        /// -1: the connection itself.
        public let stream: Int32

        public init(_ connection: Int32, stream: Int32 = -1) {
            self.connection = connection
            self.stream = stream
        }
    }

    /// So long they are waited for, from the first on.
    public static var collectTime: UInt64 { 100_000_000 }
    /// So long for the end of what may yet be a server's timeout notice: only its connection's end shows that it is innocent.
    public static var noticeTime: UInt64 { 1_000_000_000 }
    /// Streams that are collected from at once, over all connections; beyond it the oldest is settled early.
    public static var streamsMax: Int { 256 }

    private var collections: [Source: SurplusCollection<Exchange>] = [:]
    /// Streams that are collected from, the first to be settled first.
    private var streams: [Source] = []
    /// By connection: within the body of the exchange in progress, or of the last.
    private var blocks: [Int32: EmbeddedBlock] = [:]

    public init() {}

    public var count: Int { collections.count }

    public func contains(_ source: Source) -> Bool { collections[source] != nil }

    public mutating func begin(_ collection: SurplusCollection<Exchange>, from source: Source) {
        let isNew = collections.updateValue(collection, forKey: source) == nil
        if isNew, source.stream >= 0 { streams.append(source) }
    }

    /// It has ended, or is not waited for any longer: it is the caller's.
    public mutating func take(_ source: Source) -> SurplusCollection<Exchange>? {
        guard let collection = collections.removeValue(forKey: source) else { return nil }
        if source.stream >= 0 { streams.removeAll { $0 == source } }
        return collection
    }

    // MARK: More of it

    /// Adds bytes. False when no more of them are counted.
    public mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int, at now: UInt64, to source: Source) -> Bool {
        unsafe collections[source]?.add(bytes, count, at: now)
        return collections[source]?.isFull != true
    }

    /// Counts bytes of frames.
    public mutating func count(_ bytes: UInt64, of source: Source) { collections[source]?.count(bytes) }

    /// Keeps the payload of a frame that is counted.
    public mutating func keep(_ bytes: UnsafePointer<UInt8>, _ count: Int, of source: Source) {
        unsafe collections[source]?.keep(bytes, count)
    }

    // MARK: What is known of it

    /// The id of its incident, where it has one already.
    public func id(of source: Source) -> String? { collections[source]?.id }

    public mutating func name(_ source: Source, _ id: String) { collections[source]?.id = id }

    /// What has become of the client whose exchange it was.
    public mutating func note(_ impact: ClientImpact, of source: Source) { collections[source]?.clientImpact = impact }

    /// Until when a connection's bytes are waited for because they may be a timeout's notice: nil where they are none, or have had that time.
    ///
    /// - Parameter untimed: as of `SurplusCollection.settle`.
    public func noticeTimeEnds<Reader: SurplusReading>(
        _ source: Source, by reader: Reader.Type, untimed: Bool, at now: UInt64
    ) -> UInt64? {
        guard let collection = collections[source], collection.mayBeTimeoutNotice(by: reader, untimed: untimed) else {
            return nil
        }
        let end = collection.startedAt + Self.noticeTime
        return end > now ? end : nil
    }

    // MARK: Inside bodies

    public var blockCount: Int { blocks.count }

    /// Something in a body begins like an answer: it is kept while the body goes on.
    public mutating func begin(_ block: EmbeddedBlock, in connection: Int32) { blocks[connection] = block }

    public mutating func addToBlock(_ bytes: UnsafePointer<UInt8>, _ count: Int, in connection: Int32) {
        unsafe blocks[connection]?.add(bytes, count)
    }

    public func block(in connection: Int32) -> EmbeddedBlock? { blocks[connection] }

    /// Another exchange begins, or the connection has gone.
    public mutating func forgetBlock(in connection: Int32) { blocks[connection] = nil }

    // MARK: Streams

    /// When the first of the streams' is to be settled.
    public var due: UInt64? { streams.first.map { collections[$0]!.startedAt + Self.collectTime } }

    /// A stream's that is due.
    public func due(at now: UInt64) -> Source? { due.map { $0 <= now } ?? false ? streams[0] : nil }

    /// A stream's that has to make room for another's.
    public var crowdedOut: Source? { streams.count >= Self.streamsMax ? streams[0] : nil }

    /// A stream's of this connection, the one that began first.
    public func first(of connection: Int32) -> Source? { streams.first { $0.connection == connection } }
}
