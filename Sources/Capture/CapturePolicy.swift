/// How much of a connection is kept, and what of it may be written down (`incidents.capture`).
public struct CapturePolicy: Sendable, Equatable {
    /// Of one connection, bodies not counted.
    public var bytesMax: Int
    public var keepsBodies: Bool
    /// Whether values in a request's query are kept.
    public var keepsQuery: Bool

    public init(bytesMax: Int = 64 << 10, keepsBodies: Bool = false, keepsQuery: Bool = false) {
        self.bytesMax = bytesMax
        self.keepsBodies = keepsBodies
        self.keepsQuery = keepsQuery
    }
}
