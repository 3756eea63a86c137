/// A worker's listening sockets, and the pauses in which it accepts nobody because descriptors or memory have run out.
///
///     accepting ──pause──▶ paused ──time, or a client leaves──▶ accepting, when there is room; else paused on
struct Listeners: ~Copyable {
    /// What a pause asks of the worker.
    enum Pause: Equatable {
        /// The sockets are left alone from now on; `isNews` when none has been logged for a while.
        case begins(isNews: Bool)
        case goesOn
    }

    /// So long accepting is paused when no client's connection is closed earlier.
    static let pauseTime: UInt64 = 100_000_000
    /// A pause is logged once in this time.
    static let logTime: UInt64 = 10_000_000_000

    private var sockets: [ListenerSocket] = []
    private var pausedUntil: UInt64?
    private var loggedAt: UInt64?

    /// Returns its place.
    mutating func add(_ socket: ListenerSocket) -> Int32 {
        sockets.append(socket)
        return Int32(sockets.count - 1)
    }

    subscript(_ place: Int) -> ListenerSocket { sockets[place] }

    /// Places of the sockets that are open.
    var open: [Int] { sockets.indices.filter { sockets[$0].isOpen } }

    mutating func close(_ place: Int) { sockets[place].isOpen = false }

    // MARK: Pauses

    @inline(__always) var isPaused: Bool { pausedUntil != nil }

    mutating func pause(now: UInt64) -> Pause {
        let begins = pausedUntil == nil
        pausedUntil = now + Self.pauseTime
        guard begins else { return .goesOn }
        let isNews = loggedAt.map { now - $0 > Self.logTime } ?? true
        if isNews { loggedAt = now }
        return .begins(isNews: isNews)
    }

    /// The pause's time is over.
    @inline(__always) func isDue(now: UInt64) -> Bool { pausedUntil.map { now >= $0 } ?? false }

    mutating func resume() { pausedUntil = nil }

    /// A pause shortens the wait for events, so that its end is noticed.
    @inline(__always)
    func wait(_ milliseconds: Int) -> Int {
        isPaused ? min(milliseconds < 0 ? .max : milliseconds, Int(Self.pauseTime / 1_000_000)) : milliseconds
    }
}
