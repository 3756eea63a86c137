/// Whether a server is up, and whether it is in quarantine.
public struct ServerFigures: Sendable {
    public var upstream: String
    public var address: String
    public var isUp: Bool
    public var isQuarantined: Bool
}
