/// How many records of one (kind, route, upstream) may be written (`incidents.limit`).
public struct IncidentLimit: Sendable {
    /// Records at once; at least 1, or nothing would ever be written.
    public var burst: Int
    /// Records a second after that.
    public var perSecond: Double

    public init(burst: Int = 20, perSecond: Double = 5) {
        self.burst = max(1, burst)
        self.perSecond = max(0, perSecond)
    }
}
