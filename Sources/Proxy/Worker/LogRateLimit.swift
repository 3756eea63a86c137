/// How often something that peers can provoke at will is written to the operational log.
struct LogRateLimit: BitwiseCopyable {
    static let burst = 5
    static let windowNanoseconds: UInt64 = 10_000_000_000

    private var windowEnd: UInt64 = 0
    private var written = 0
    private var heldBack = 0

    /// nil: not now. Otherwise how many were held back since the last that was written.
    mutating func take(_ now: UInt64) -> Int? {
        if now >= windowEnd {
            windowEnd = now + Self.windowNanoseconds
            written = 0
        }
        guard written < Self.burst else {
            heldBack += 1
            return nil
        }
        written += 1
        defer { heldBack = 0 }
        return heldBack
    }
}

/// What peers can provoke at will, by sort.
struct LogLimits: BitwiseCopyable {
    /// Clients' TLS handshakes that fail.
    var handshakes = LogRateLimit()
    /// Servers that fail.
    var failures = LogRateLimit()
}
