/// An answered stream of an HTTP/2 connection to an upstream: whom frames on it are attributed to. Owns its request's bytes.
struct FinishedStream: BitwiseCopyable {
    /// Answers remembered of one connection.
    static let capacity = 64

    var stream: Int32
    /// Surplus of it has been recorded: more DATA is more of that.
    var isRecorded = false
    var exchange: FinishedExchange
}
