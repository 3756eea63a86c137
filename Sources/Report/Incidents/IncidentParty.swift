import Detector
import Facts

/// One exchange as a record names it.
public struct IncidentParty: Sendable {
    public var request: Incident.Request
    public var client: Incident.Client
    /// The route's name and what it does about a violation.
    public var route: String
    public var policy: ViolationPolicy
    public var answer: Answer
    /// Number of the exchange on its connection, from 1.
    public var ordinal: UInt32

    public init(
        request: Incident.Request, client: Incident.Client, route: String, policy: ViolationPolicy, answer: Answer,
        ordinal: UInt32
    ) {
        self.request = request
        self.client = client
        self.route = route
        self.policy = policy
        self.answer = answer
        self.ordinal = ordinal
    }

    /// Method and path, without the query's values.
    var name: String { "\(request.method) \(QueryRedaction.redacted(request.path))" }
}

/// Where an incident happened, and when.
public struct IncidentPlace: Sendable {
    public var upstream: String
    /// The server's address or name.
    public var address: String
    /// Number of the connection, unique in the process.
    public var connection: UInt64
    public var protocolName: String
    public var id: String
    /// When the offending bytes were seen, since the Unix epoch.
    public var timeNanoseconds: UInt64
    /// The same on the loop's clock, on which answers are timed.
    public var seenAt: UInt64

    public init(
        upstream: String, address: String, connection: UInt64, protocolName: String, id: String, timeNanoseconds: UInt64,
        seenAt: UInt64
    ) {
        self.upstream = upstream
        self.address = address
        self.connection = connection
        self.protocolName = protocolName
        self.id = id
        self.timeNanoseconds = timeNanoseconds
        self.seenAt = seenAt
    }
}
