/// The detector's word on one finding.
public struct Verdict: Equatable, Sendable {
    /// Which exchange of the connection is guilty.
    public enum Guilty: Sendable { case current, previous }

    public var kind: Kind
    public var certainty: Certainty
    public var severity: Severity
    public var phase: Phase
    public var guilty: Guilty

    public init(
        _ kind: Kind, _ certainty: Certainty = .proven, severity: Severity? = nil, in phase: Phase, by guilty: Guilty = .current
    ) {
        self.kind = kind
        self.certainty = certainty
        self.severity = severity ?? kind.severity
        self.phase = phase
        self.guilty = guilty
    }

    /// A handler has answered twice, and will again: its server is quarantined.
    public var provesDoubleSend: Bool { kind.isDoubleSend && certainty == .proven && severity != .info }
}
