import CShim

/// A worker's epoll instance: it waits for events, and keeps the connections that have something to do until their turn comes.
///
///     wait ─▶ events, all of them worked off ─▶ turns, at most `turnsPerWait` ─▶ wait, for no time while others have a turn to come
///
/// What an event or a turn is about stands in its `EventTag`.
@safe public struct Loop: ~Copyable {
    /// Events taken from the kernel at a time.
    public static let eventsMax = 256
    /// Connections that have their turn between two waits, and looks at quiet connections that a wait stands in for.
    ///
    /// A wait says what has come on all connections for the price of one look at one of them, so it stands in for these as
    /// long as it is no older than this.
    public static let turnsPerWait = 8

    private let kernel: Kernel
    private let poll: Int32
    private let events: UnsafeMutablePointer<so_event>
    private var turns = TurnQueue()
    private var looksLeft = 0

    /// - Parameter poll: the epoll instance's descriptor, which the caller closes.
    public init(kernel: Kernel, poll: Int32) {
        self.kernel = kernel
        self.poll = poll
        unsafe events = .allocate(capacity: Self.eventsMax)
    }

    deinit { unsafe events.deallocate() }

    // MARK: Events

    /// Waits at most so long (-1: until something happens), unless somebody has a turn to come. How many events there are.
    public mutating func wait(milliseconds: Int) -> Int {
        looksLeft = 0
        return unsafe max(kernel.wait(poll, events, Self.eventsMax, milliseconds: hasTurns ? 0 : milliseconds), 0)
    }

    /// What the wait has reported, by its place.
    public subscript(event place: Int) -> (tag: EventTag, flags: UInt32) {
        unsafe (EventTag(bits: events[place].tag), events[place].flags)
    }

    /// So many events have been worked off. With as many as were asked for, there may be more.
    public mutating func workedOff(_ count: Int) {
        if count < Self.eventsMax { looksLeft = Self.turnsPerWait }
    }

    /// Whether the last wait, which found nothing on a connection, was so lately that it stands in for one look at it.
    public mutating func standsForLook() -> Bool {
        guard looksLeft > 0 else { return false }
        looksLeft -= 1
        return true
    }

    /// -errno when the descriptor cannot be watched. `edge`: each change is reported once.
    public func register(_ fd: Int32, _ tag: EventTag, edge: Bool) -> Int32 {
        kernel.register(poll, fd, tag: tag.bits, edge: edge)
    }

    public func unregister(_ fd: Int32) { kernel.unregister(poll, fd) }

    // MARK: Turns

    public var hasTurns: Bool { !turns.isEmpty }
    public var turnCount: Int { turns.count }

    /// Whoever is named has its turn after those that were queued before.
    public mutating func queue(_ tag: EventTag) { turns.append(tag.bits) }

    /// The one that has waited the longest; there must be one.
    public mutating func nextTurn() -> EventTag { EventTag(bits: turns.takeFirst()) }
}
