/// Every bound of this module in one place.
enum CaptureLimit {
    /// Bytes of a trace, bodies as x's included; an older exchange gives way first.
    static let traceBytesMax = 8 << 20
    /// Bytes beyond the end of an answer that are kept; more are only counted.
    static let strayBytesMax = 16 << 10
    /// Of a status line inside a body, with the fields after it.
    static let embeddedBytesMax = 4096
    /// Connections that have ended and may still be named in an incident.
    static let endedTapesMax = 16
    /// Captures at once, and in the long run.
    static let burst = 10.0
    static let perSecond = 1.0
    /// Captures between the workers and the writer; one more is dropped and counted (`sink="capture"`).
    static let queueMax = 32
    /// Incidents that one trace names.
    static let incidentsMax = 16
    /// Fields of a header block.
    static let fieldsMax = 1024
    static let headBytesMax = 1 << 20
}
