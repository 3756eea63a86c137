/// Which findings close the gate.
public struct Rules: Sendable {
    /// Kinds that are let through.
    public var allowed: Set<String> = []
    /// Suspected incidents close the gate, too.
    public var failsOnSuspected = false
    /// Groups that are known of old.
    public var baseline: [Baseline.Entry] = []

    public init() {}

    func state(of finding: Finding) -> Finding.State {
        if allowed.contains(finding.kind) { return .allowed }
        if baseline.contains(where: { $0.group == finding.group }) { return .known }
        return finding.certainty == "proven" || failsOnSuspected ? .new : .suspected
    }
}
