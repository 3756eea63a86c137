/// Why a request is without an answer.
enum NoAnswer {
    /// No connection could be made for it.
    case unreachable
    /// Its connection turned out to have no stream for it, for others have those that its server allows: nobody has tried it yet.
    case unplaced
    /// Its server ends the connection in good order (GOAWAY), and has not taken it any more: nobody's failure.
    case left
    /// Nothing of it has been sent, or its server cannot have received a byte of it.
    case unsent
    /// It may have been received, on a connection that was new.
    case unanswered
    /// It may have been received, on a pooled connection that its server was perhaps about to close: nobody's failure.
    case stale

    /// Its server cannot have received a byte of it.
    var cannotHaveArrived: Bool { self == .unreachable || self == .unplaced || self == .left || self == .unsent }
}
