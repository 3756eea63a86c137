/// Every bound of the admin endpoint in one place.
public enum AdminLimit {
    /// Connections at once; for one more, the one that has gone longest without progress makes room.
    public static let connectionsMax = 64
    /// Connections that are taken before those that are there are heard again.
    public static let acceptsMax = 16
    /// Requests that came together with an earlier one and are answered before the sockets are looked at again.
    public static let laterAnswersMax = 4
    /// Of the connections, those that follow `/incidents/stream`, so that a scrape always finds a place.
    public static let streamsMax = 16
    /// Bytes of a request's head.
    public static let headBytesMax = 16 << 10
    /// For a whole head to arrive, for a client to take some of its answer, and between two requests.
    public static let timeoutNanoseconds: UInt64 = 10_000_000_000
    /// Between two signs of life on a stream on which nothing happens.
    public static let heartbeatNanoseconds: UInt64 = 15_000_000_000
    /// At the end, for those who have connected and are yet to ask.
    public static let endNanoseconds: UInt64 = 300_000_000
    /// Without accepting, when the system has run out of descriptors.
    public static let acceptPauseNanoseconds: UInt64 = 100_000_000
    /// Unsent bytes of a stream beyond which no further incident is added to it.
    public static let streamBytesMax = 256 << 10
    /// Incidents in one answer without `limit`, and with it.
    public static let incidentsDefault = 100
    public static let incidentsMax = 1024
}
