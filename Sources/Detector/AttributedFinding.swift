/// A finding with the exchanges that it is about.
public struct AttributedFinding<Exchange> {
    public var finding: Finding
    /// Whose it is, or is most likely; nil where the connection had served nobody.
    public var guilty: Exchange?
    /// Who waited for an answer meanwhile, or was given the wrong one.
    public var victim: Exchange?
    /// Who else was weighed, the likeliest first.
    public var suspects: [Exchange] = []
    /// The connection's newest exchange, where that is not the guilty one.
    public var latest: Exchange?
    /// When its first byte was seen.
    public var seenAt: UInt64
    public var id: String?
}
