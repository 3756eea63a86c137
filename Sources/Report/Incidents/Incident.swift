import Detector
import Wire

/// One violation, with who, where and the evidence: a line of the incident log.
///
/// A cold-path value: built only when something has gone wrong. Facts that do not apply are nil and absent from the record.
public struct Incident: Sendable {
    public struct Upstream: Sendable {
        public var name: String
        public var address: String
        /// Number of the connection, unique in the process.
        public var connection: UInt64
        /// Number of the exchange on its connection, from 1.
        public var exchange: UInt32
        public init(name: String, address: String, connection: UInt64, exchange: UInt32) {
            self.name = name
            self.address = address
            self.connection = connection
            self.exchange = exchange
        }
    }

    public struct Client: Sendable {
        public var address: String
        /// `http/1.0`, `http/1.1` or `h2`.
        public var protocolName: String
        public init(address: String, protocolName: String) {
            self.address = address
            self.protocolName = protocolName
        }
    }

    public struct Request: Sendable {
        public var id: String
        public var method: String
        /// Path and query; the writer redacts the query's values.
        public var path: String
        public var host: String?
        public var traceID: String?
        public var spanID: String?
        public init(
            id: String, method: String, path: String, host: String? = nil, traceID: String? = nil, spanID: String? = nil
        ) {
            self.id = id
            self.method = method
            self.path = path
            self.host = host
            self.traceID = traceID
            self.spanID = spanID
        }
    }

    public struct Response: Sendable {
        public var status: Int?
        /// `content-length`, `chunked`, `close`, `none` or `h2`.
        public var framing: String?
        public var declaredBytes: UInt64?
        public var bodyBytes: UInt64?
        public init(status: Int? = nil, framing: String? = nil, declaredBytes: UInt64? = nil, bodyBytes: UInt64? = nil) {
            self.status = status
            self.framing = framing
            self.declaredBytes = declaredBytes
            self.bodyBytes = bodyBytes
        }
    }

    /// An exchange that may be the guilty one.
    public struct Candidate: Sendable {
        public var request: Request
        public var route: String
        public var status: Int?
        /// From the end of its answer to the first offending byte; nil while its answer is in progress.
        public var answeredMillisecondsBefore: Double?
        public var reason: String
        public init(request: Request, route: String, status: Int?, answeredMillisecondsBefore: Double?, reason: String) {
            self.request = request
            self.route = route
            self.status = status
            self.answeredMillisecondsBefore = answeredMillisecondsBefore
            self.reason = reason
        }
    }

    public struct Evidence: Sendable {
        public var phase: Phase
        /// Bytes from the first of the guilty answer to the first offending one.
        public var offset: UInt64?
        /// Bytes from the first that the connection received to the first offending one.
        public var connectionOffset: UInt64?
        public var surplusBytes: UInt64?
        public var delayMilliseconds: Double?
        public var proof: Proof?
        /// Which rule was broken, in words: the field, and the place in the header block.
        public var reason: String?
        public var secondStatus: Int?
        /// Lower-case names of the second header block's fields, in order; never their values.
        public var secondFields: [String]?
        public var startLine: String?
        /// Duplicate or conflicting fields' names.
        public var fields: [String]?
        /// Raw offending bytes (at most `max_bytes`); written only with `sample: escaped`, values of secret fields masked.
        public var sample: [UInt8]?
        public init(phase: Phase) { self.phase = phase }
    }

    public var timeNanoseconds: UInt64  // since the Unix epoch
    public var id: String
    public var severity: Severity
    public var kind: Kind
    public var certainty: Certainty
    public var origin: Origin
    public var action: ViolationPolicy
    public var clientImpact: ClientImpact
    public var message: String
    /// Name of the route, `_none` when none matched.
    public var route: String
    /// The hop on which it happened: `http/1.1` or `h2`.
    public var protocolName: String
    public var upstream: Upstream?
    public var client: Client?
    public var request: Request?
    public var response: Response?
    public var evidence: Evidence
    public var victim: Request?
    /// How sure it is that `request` is the guilty one; nil where no request is known.
    public var attribution: Attribution.Confidence?
    /// Who else it may be, `request` first; empty when there is no doubt.
    public var candidates: [Candidate] = []
    /// What the probe has seen of it inside the application.
    public var application: ApplicationSend?
    /// The file that its connection's last bytes are written to.
    public var capture: String?
    /// Records of the same key that the limit held back since the last one written.
    public var suppressed: UInt64 = 0

    public init(
        timeNanoseconds: UInt64, id: String, severity: Severity, kind: Kind, certainty: Certainty, origin: Origin,
        action: ViolationPolicy, clientImpact: ClientImpact, message: String, route: String, protocolName: String,
        evidence: Evidence
    ) {
        self.timeNanoseconds = timeNanoseconds
        self.id = id
        self.severity = severity
        self.kind = kind
        self.certainty = certainty
        self.origin = origin
        self.action = action
        self.clientImpact = clientImpact
        self.message = message
        self.route = route
        self.protocolName = protocolName
        self.evidence = evidence
    }
}
