import Detector

/// What happened to one request, seen from both ends: what the world is judged by.
final class Story {
    enum Outcome: Equatable {
        /// Still open when the world had ended.
        case nothing
        /// Exactly its own answer.
        case whole
        /// An error of the proxy's own.
        case proxyError(Int)
        /// A visibly cut answer.
        case cut
        /// Somebody else's answer, or bytes that nobody sent.
        case wrong(String)
        /// The connection ended in an orderly way before it.
        case unserved
        /// Its client went away.
        case aborted
    }

    /// The request as it arrived at an upstream, once more with each retry.
    struct Arrival {
        var connection: Int
        var ordinal: Int
        var isWhole = false
    }

    let request: RequestScript
    let answer: AnswerScript
    var isSent = false
    /// Its stream ended behind its header block, without a body.
    var hasEmptyBody = false
    /// Pipelined, where a cut answer is shown by a reset: under `fail`, and to HTTP/1.0 clients.
    var mayBeReset = false
    var outcome = Outcome.nothing
    var arrivals: [Arrival] = []
    var hasUsedFault = false
    /// The upstream closed a connection on which this request may have been.
    var mayHaveMetAClose = false
    /// A stray of an earlier exchange may have been taken for its answer.
    var mayBeVictim = false
    /// And nothing shows that it is not.
    var mayBeGivenAnother = false
    /// Streams of it that its upstream did not serve, and said so.
    var refusals = 0
    /// How often a server that answers none has failed it.
    var failures = 0
    /// Its answer had begun on a connection that its upstream broke.
    var wasOnBrokenConnection = false
    /// Interim responses of its own that its client got.
    var interims = 0
    /// Whose other interim responses it got.
    var strangeInterims: [String] = []
    /// The tunnel that it asks for, with ends of their own.
    private(set) var tunnel: Tunnel?
    var sentAt: UInt64 = 0
    var finishedAt: UInt64 = 0

    init(_ request: RequestScript, _ answer: AnswerScript, _ world: SimulatedWorld) {
        self.request = request
        self.answer = answer
        tunnel = request.tunnel.map { Tunnel(world, request.id, $0) }
    }

    var id: Int { request.id }
    /// May be sent again by the proxy when no answer came. An interim response shows that its server has it: then its body is
    /// not kept any longer, not even that it is empty.
    var isReplayable: Bool { request.isReplayable && !(hasEmptyBody && !answer.interims.isEmpty) }
    /// It is without its answer as far as the worker knows: that a client has gone is not read behind a request that waits.
    var mayBeWaitedFor: Bool { outcome == .nothing || outcome == .aborted }
    /// Its answer without the fault.
    var innocentAnswer: AnswerScript {
        var script = answer
        script.fault = nil
        return script
    }
    /// What its client gets when a header block stood in the body, for the length is all that the client knows.
    var faultyBody: [UInt8]? {
        hasUsedFault && answer.fault == .secondHeadInLength ? Array(answer.faultyBody[..<answer.body.count]) : nil
    }
}

/// An incident that an upstream's fault must yield.
struct Expected {
    /// In place of a request's number: the incident may name any, or none.
    static let anyone = -1

    var kind: Kind
    var certainty = Certainty.proven
    var id: Int
    var connection: Int
    var ordinal: Int
    /// Exact, where it can be known.
    var surplusBytes: Int?
    var phases: Set<Phase>
    var victim: Int?
    /// It may have been kept from happening by something that is nobody's fault.
    var isOptional = false
    /// When the last of what its server says was given to the socket, where that is all that happens; nil: something ends it.
    var silentSince: UInt64?
}
