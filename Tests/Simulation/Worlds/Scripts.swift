import Simulation

/// Bytes that leave together, so long after the ones before them.
struct Piece {
    var delay: UInt64
    var bytes: [UInt8]
}

/// One request as its client will send it.
struct RequestScript {
    enum Framing { case none, length, chunked }
    /// How a client goes away in the middle.
    enum Abort { case resetAfterSending(Int), closeAfterSending(Int), resetAfterReceiving(Int) }

    var id = 0
    var method = "GET"
    var framing = Framing.none
    var body: [UInt8] = []
    var isHTTP10 = false
    /// The connection is announced to end with this request.
    var closes = false
    var expectsContinue = false
    var asksTunnel = false
    /// What is said in it; nil: what its client says comes back.
    var tunnel: TunnelScript?
    var head: [UInt8] = []
    /// What follows the header block, as framed.
    var rest: [Piece] = []
    var abort: Abort?

    var path: String { "/q/\(id)" }
    var hasBody: Bool { framing != .none }
    /// May be sent again by the proxy when nothing came back.
    var isReplayable: Bool { method != "POST" && !hasBody && !asksTunnel }
}

/// One answer as its upstream will send it.
struct AnswerScript {
    /// What its header block says of the request that it answers.
    enum Mark: Equatable {
        case none, own
        /// Given out elsewhere: somebody in between has kept the answer.
        case kept(String)
    }

    enum Framing { case none, length, chunked, close }
    /// When it begins: with the request's header block, or after its end.
    enum Start { case withHead, afterRequest }

    var id = 0
    var status = 200
    var framing = Framing.length
    var start = Start.afterRequest
    var delay: UInt64 = 0
    var interims: [[UInt8]] = []
    var head: [UInt8] = []
    var body: [UInt8] = []
    var framed: [UInt8] = []
    var trailer: String?
    /// The connection is announced to end with this answer.
    var closes = false
    /// Where the answer is cut, and how long the pauses are there.
    var pauses: [(at: Int, delay: UInt64)] = []
    var fault: Fault?
    /// Field lines that its fault adds to the header block, and the body with a header block in it that its fault sends.
    var faultyFields = ""
    var faultyBody: [UInt8] = []
    var mark = Mark.none
    /// The second answer that its fault sends has the request's mark.
    var strayIsMarked = false
    /// Where in the framed body a header block or garbage is put: at the start of a chunk.
    var chunkStarts: [Int] = []

    /// The whole answer, interim ones first.
    var bytes: [UInt8] { interims.flatMap { $0 } + head + framed }

    /// Its request has come with this mark.
    mutating func put(_ own: String) {
        let value: String
        switch mark {
        case .none: return
        case .own: value = own
        case .kept(let other): value = other
        }
        head.insert(contentsOf: "SendOnce-Id: \(value)\r\n".utf8, at: head.count - 2)
    }
}

/// What an upstream does wrong with an answer.
enum Fault: Equatable {
    // Behind the answer's end.
    case secondAnswer(delay: UInt64)
    case moreBytes(delay: UInt64)
    case lineEnds(delay: UInt64)
    case interimAfterEnd(delay: UInt64)
    /// Garbage right before the next answer on the connection.
    case garbageBeforeNext
    // In the middle.
    case secondHeadBetweenChunks
    case interimBetweenChunks
    case secondHeadInLength
    case truncated(at: Int, reset: Bool)
    case stalled(at: Int)
    case badChunkSize
    // In the header block.
    case duplicateField
    case lengthsDiffer
    case lengthTwice
    case lengthWithChunked
    case garbageForHead
    case unaskedUpgrade
    /// A body that the connection's end ends, and no close_notify.
    case endUnannounced
    /// Right after an answer that promised more.
    case hangUp

    // On streams alone.
    case fieldsAfterEnd(delay: UInt64)
    case statusInTrailers
    case trailersWithoutEnd
    case malformedTrailers
    case lengthExceeded
    case lengthShort(at: Int)
    case dataOnBodiless
    case malformedHead
    case dataBeforeHead
    /// With the mark of another request of the connection, which has been answered.
    case otherMark
    /// On a stream that was never opened.
    case unrequested(isHead: Bool)
    case connectionBroken(ConnectionFault)
}

/// Bytes that show whose they are: printable, and different for each number.
func pattern(_ id: Int, _ count: Int) -> [UInt8] {
    var state = UInt32(truncatingIfNeeded: id &* 2_654_435_761 &+ 12_345)
    return [UInt8](unsafeUninitializedCapacity: count) { space, initialized in
        for i in 0..<count {
            state = state &* 1_664_525 &+ 1_013_904_223
            space[i] = 0x21 + UInt8(state >> 24) % 94
        }
        initialized = count
    }
}
