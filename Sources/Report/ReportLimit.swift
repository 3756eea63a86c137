/// Every bound of this module in one place. What does not fit is dropped or cut, and a drop is counted.
public enum ReportLimit {
    /// Records between the workers and the log's writer; one more is dropped and counted (`sink="log"`).
    public static let queueRecordsMax = 4096
    /// Their bytes altogether.
    public static let queueBytesMax = 8 << 20
    /// Bytes of access lines that a worker hands over at once.
    public static let accessChunkBytesMax = 128 << 10
    /// Bytes that one access line may take; its texts are cut so that it fits.
    public static let accessLineBytesMax = 64 << 10
    /// Chunks between the workers and the access log's writer; the lines of one more are dropped and counted.
    public static let accessChunksMax = 64
    /// Incidents kept in memory for `/incidents`.
    public static let ringIncidentsMax = 1024
    /// Keys (kind, route, upstream) that have a bucket of their own; later ones share one.
    public static let limiterKeysMax = 16384
    /// UTF-8 bytes of a record's text before it is cut, so that a peer cannot choose a record's size.
    public static let textBytesMax = 8192
    /// UTF-8 bytes of `evidence.start_line`.
    public static let startLineBytesMax = 256
    /// Names in `evidence.second_fields`.
    public static let fieldNamesMax = 128
    /// UTF-8 bytes of one such name.
    public static let fieldNameBytesMax = 256
    /// Bytes of `evidence.sample`, whatever the configuration asks for.
    public static let sampleBytesMax = 16384
    /// Series of routes and upstreams that left the configuration; beyond it they are forgotten.
    public static let retiredSeriesMax = 8192
    /// Parties that can be notified of new incidents at once.
    public static let subscribersMax = 16
}
