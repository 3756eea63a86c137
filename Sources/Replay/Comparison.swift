import Traces

/// Incidents found beside those recorded.
public struct Comparison: Equatable, Sendable {
    /// Found and recorded.
    public private(set) var same: [Expectation] = []
    /// Recorded and not found.
    public private(set) var missing: [Expectation] = []
    /// Found and not recorded.
    public private(set) var unexpected: [Expectation] = []

    public var isEqual: Bool { missing.isEmpty && unexpected.isEmpty }

    public init(found: [Expectation], recorded: [Expectation]) {
        var left = recorded
        for incident in found {
            if let place = left.firstIndex(of: incident) {
                same.append(left.remove(at: place))
            } else {
                unexpected.append(incident)
            }
        }
        missing = left
    }
}
