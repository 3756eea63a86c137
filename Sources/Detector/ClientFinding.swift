/// What a client has done that breaks HTTP's own rules, in full: a kind and the facts behind it. A record is made of it.
public struct ClientFinding: Sendable {
    /// What it did, as its record's sentence says it.
    public enum Deed: Sendable {
        /// A request that was refused: why, and with which status.
        case refusedRequest(String, status: Int)
        /// A request whose stream was reset: what is wrong with it.
        case resetRequest(String, stream: Int32)
        /// A body that is not framed as announced, so many bytes into it.
        case brokenBody(bytes: UInt64)
        /// Frames that the stream's earlier ones forbid.
        case frame(Frame)
        /// Bytes that are not frames.
        case brokenConnection(String)
    }

    /// A frame that may not stand where it does.
    public enum Frame: CaseIterable, Sendable {
        case dataAfterEnd, headAfterEnd, lengthExceeded, lengthShort
        /// A header block in the body that ends nothing.
        case secondHead
        /// Trailers that are none, and such as begin like a request.
        case brokenTrailers, pseudoInTrailers
        case windowMisused
        /// Any other where none of its sort is due.
        case outOfPlace
    }

    public let kind: Kind
    public let phase: Phase
    public let deed: Deed
    public let protocolName: String
    public var severity: Severity?
    public var clientImpact: ClientImpact = .none
    public var fields: [String]?
    public var secondFields: [String]?
    public var connectionOffset: UInt64?
    public var surplusBytes: UInt64?
    public var reason: String?

    public init(_ kind: Kind, in phase: Phase, _ deed: Deed, protocolName: String) {
        self.kind = kind
        self.phase = phase
        self.deed = deed
        self.protocolName = protocolName
    }
}
