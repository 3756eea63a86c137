/// What of the evidence may be written down (`incidents.evidence`).
public struct EvidencePolicy: Sendable {
    public enum Sample: String, CaseIterable, Sendable { case off, escaped }

    public var sample: Sample
    /// Bytes of the sample, before escaping.
    public var sampleBytesMax: Int
    /// Whether values in a request's query are kept.
    public var keepQuery: Bool

    public init(sample: Sample = .off, sampleBytesMax: Int = 256, keepQuery: Bool = false) {
        self.sample = sample
        self.sampleBytesMax = max(0, min(sampleBytesMax, ReportLimit.sampleBytesMax))
        self.keepQuery = keepQuery
    }
}
