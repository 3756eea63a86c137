import Configuration

extension Plan {
    /// Which server gets the next request: `ServerSet+Balance` has each way.
    public enum Balance: Sendable {
        case roundRobin, leastConnections, randomTwo

        init(_ setting: Settings.Upstream.Balance) {
            switch setting {
            case .roundRobin: self = .roundRobin
            case .randomTwo: self = .randomTwo
            // Clients without a cookie, or whose server cannot be used.
            case .leastConnections, .stickyCookie: self = .leastConnections
            }
        }
    }
}
