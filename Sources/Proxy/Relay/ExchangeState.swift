/// How far an exchange is. Four things move, each on its own:
///
///     its place        seeking ─queued─▶ waiting ─called─▶ called ─leftQueue─▶ seeking
///                      seeking ─connecting─▶ connecting ─placed─▶ placed          (or placed at once, on a pooled connection)
///     request's body   due ─bodySent─▶ part ─requestEnded─▶ whole                 (due ─requestEnded─▶ none)
///                      due ─continued─▶ wanted, from which it goes on as from due
///     answer           awaited ─answerBegan─▶ begun ─headWritten─▶ written ─headSent─▶ sent
///     tunnel           none ─tunnelOpened─▶ open ─clientEnded─▶ clientEnded ─upstreamEnded─▶ bothEnded, or the other way about
///
/// A request that is sent again seeks a place anew and awaits its answer anew; what its client has been sent is not taken back.
struct ExchangeState: BitwiseCopyable {
    // Without raw values: those are compared by a generic function.
    enum Place: CaseIterable { case seeking, waiting, called, connecting, placed }
    enum Body: CaseIterable { case none, due, wanted, part, whole }
    enum Answer: CaseIterable { case awaited, begun, written, sent }
    enum Tunnel: CaseIterable { case none, open, clientEnded, upstreamEnded, bothEnded }

    enum Fact: CaseIterable {
        /// It waits for a connection; it is its turn to look for one; it waits no more.
        case queued, called, leftQueue
        /// A connection is being opened for it; it has one.
        case connecting, placed
        /// The server has said that it wants the body (100), which its client may wait to hear.
        case continued
        /// Some of the request's body has been passed on; all of the request has.
        case bodySent, requestEnded
        /// The request is on its way once more.
        case sentAgain
        /// The first byte of an answer has been seen; its header block stands in the outbox; it has been sent, so that no error can
        /// be answered any more.
        case answerBegan, headWritten, headSent
        /// It was answered with a tunnel, whose bytes pass as they are; a side of that has ended.
        case tunnelOpened, clientEnded, upstreamEnded
    }

    private(set) var place = Place.seeking
    private(set) var body = Body.due
    private(set) var answer = Answer.awaited
    private(set) var tunnel = Tunnel.none

    /// A fact that does not fit changes nothing.
    @inline(__always)
    mutating func receive(_ fact: Fact) {
        switch fact {
        case .queued: place = .waiting
        case .called: if place == .waiting { place = .called }
        case .leftQueue: if isWaiting { place = .seeking }
        case .connecting: place = .connecting
        case .placed: place = .placed
        case .continued: if body == .due { body = .wanted }
        case .bodySent: if body == .due || body == .wanted { body = .part }
        case .requestEnded: if body == .due || body == .wanted { body = .none } else if body == .part { body = .whole }
        case .sentAgain: if answer != .sent { answer = .awaited }
        case .answerBegan: if answer == .awaited { answer = .begun }
        case .headWritten: if answer != .sent { answer = .written }
        case .headSent: if answer == .written { answer = .sent }
        case .tunnelOpened: if tunnel == .none { tunnel = .open }
        case .clientEnded:
            if tunnel == .open { tunnel = .clientEnded } else if tunnel == .upstreamEnded { tunnel = .bothEnded }
        case .upstreamEnded:
            if tunnel == .open { tunnel = .upstreamEnded } else if tunnel == .clientEnded { tunnel = .bothEnded }
        }
    }

    // MARK: What follows from it

    /// In a queue for a connection, called or not.
    @inline(__always) var isWaiting: Bool { place == .waiting || place == .called }
    /// It has, or had last, a connection, perhaps one that was being opened.
    @inline(__always) var hasPlace: Bool { place == .connecting || place == .placed }
    /// Every byte of the request has been passed on.
    @inline(__always) var requestEnded: Bool { body == .none || body == .whole }
    /// Body bytes have been passed on, so that it cannot be sent again unless they were kept.
    @inline(__always) var sentBody: Bool { body == .part || body == .whole }
    /// The upstream's header block has been written into the outbox.
    @inline(__always) var headWritten: Bool { answer == .written || answer == .sent }
    /// The upstream's header block has been sent, so that an error can no longer be answered.
    @inline(__always) var answered: Bool { answer == .sent }
    @inline(__always) var isTunnel: Bool { tunnel != .none }
    /// In a tunnel: the client has ended its side.
    @inline(__always) var clientEnded: Bool { tunnel == .clientEnded || tunnel == .bothEnded }
    /// In a tunnel: the upstream has ended its side.
    @inline(__always) var upstreamEnded: Bool { tunnel == .upstreamEnded || tunnel == .bothEnded }
}
