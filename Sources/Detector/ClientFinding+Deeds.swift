import Facts

/// Each deed with its kind and its place: facts in, findings out.
extension ClientFinding {
    /// A request was refused for what its header block says: `what` in words.
    public static func refused(_ flaw: RequestFlaw, _ what: String, status: Int, protocolName: String) -> ClientFinding {
        var finding = ClientFinding(flaw.kind, in: .inHead, .refusedRequest(what, status: status), protocolName: protocolName)
        finding.fields = flaw.fields
        finding.reason = what
        return finding
    }

    /// A request's stream was reset for what its header block says: `detail`, where that is no more than that it is malformed.
    public static func reset(
        _ flaw: RequestFlaw, detail: String?, stream: Int32, offset: UInt64, protocolName: String
    ) -> ClientFinding {
        var what = detail ?? "that is not HTTP"
        if let fields = flaw.fields {
            what = "whose \(fields.joined(separator: ", ")) "
            what += flaw.kind == .duplicateField ? "stands more than once" : "is not one number"
        }
        var finding = ClientFinding(flaw.kind, in: .inHead, .resetRequest(what, stream: stream), protocolName: protocolName)
        finding.fields = flaw.fields
        finding.connectionOffset = offset
        finding.clientImpact = .aborted
        finding.reason = "a request \(what)"
        return finding
    }

    /// A connection could not be gone on with: why, shortly and in full. `cuts`: exchanges went with it.
    public static func brokenConnection(
        _ what: String, reason: String, cuts: Bool, protocolName: String
    ) -> ClientFinding {
        var finding = ClientFinding(.malformedMessage, in: .inHead, .brokenConnection(what), protocolName: protocolName)
        finding.clientImpact = cuts ? .aborted : .none
        finding.reason = reason
        return finding
    }

    /// A body is not framed as its header block had announced, so many bytes into it. `cuts`: its answer had begun.
    public static func brokenBody(bytes: UInt64, cuts: Bool, protocolName: String) -> ClientFinding {
        var finding = ClientFinding(.malformedMessage, in: .inBody, .brokenBody(bytes: bytes), protocolName: protocolName)
        finding.clientImpact = cuts ? .aborted : .none
        finding.reason = "a body that is not framed as announced"
        return finding
    }

    /// A frame that the client's own earlier frames forbid. `fields`: of its header block, if it is one.
    public static func frame(
        _ frame: Frame, offset: UInt64, surplusBytes: UInt64, fields: [String]?, protocolName: String
    ) -> ClientFinding {
        var finding = ClientFinding(frame.kind, in: frame.phase, .frame(frame), protocolName: protocolName)
        finding.connectionOffset = offset
        // What is malformed is no surplus.
        if frame.kind != .malformedMessage {
            finding.surplusBytes = surplusBytes
            finding.secondFields = fields
        }
        return finding
    }

    /// All that came after a request's end has come. An empty line there is a habit of old clients (RFC 9112 section 2.2), and does
    /// no harm.
    public mutating func settle<Exchange, Reader: SurplusReading>(
        _ surplus: SurplusCollection<Exchange>, by reader: Reader.Type
    ) {
        var surplus = surplus
        guard let found = surplus.settle(by: reader, closed: false) else { return }
        surplusBytes = found.surplusBytes
        severity = found.verdict.severity
    }
}

extension ClientFinding.Frame {
    public var kind: Kind {
        switch self {
        case .dataAfterEnd, .headAfterEnd, .lengthExceeded: .bodyAfterEnd
        case .secondHead, .pseudoInTrailers: .headerBlockInBody
        case .brokenTrailers, .lengthShort, .windowMisused, .outOfPlace: .malformedMessage
        }
    }

    public var phase: Phase { kind == .bodyAfterEnd ? .afterEnd : .inBody }
}
