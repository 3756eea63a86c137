import CShim
import Glibc
import Wire

/// One worker's counters: written by that worker alone, read by whoever scrapes.
///
/// A value without reference counts that points into memory owned by `Metrics`, from `makeCounters` to `retire`. Indices are
/// those of the schema it was made for; a foreign index is our own bug and traps.
@frozen
@safe public struct WorkerCounters: @unchecked Sendable {
    @usableFromInline let words: UnsafeMutablePointer<UInt64>
    public let layout: CounterLayout

    /// Zeroed memory of which only the touched pages cost anything.
    init(layout: CounterLayout) {
        self.layout = layout
        guard let memory = unsafe so_reserve(Self.byteCount(layout)) else {
            preconditionFailure("no address space for counters")
        }
        unsafe madvise(memory, Self.byteCount(layout), MADV_NOHUGEPAGE)  // a huge page would be touched by one counter
        unsafe words = unsafe memory.bindMemory(to: UInt64.self, capacity: layout.wordCount)
    }

    func free() { unsafe so_unreserve(words, Self.byteCount(layout)) }

    private static func byteCount(_ layout: CounterLayout) -> Int { layout.wordCount * MemoryLayout<UInt64>.size }

    // MARK: Requests

    /// One more answered request of a route (`layout.routeCount - 1` is `_none`). A status outside 100...599 counts as the nearest.
    @inlinable
    public func countRequest(route: Int, method: Method, status: Int) {
        let code = min(max(status, CounterLayout.statusMin), CounterLayout.statusMin + CounterLayout.statusCount - 1)
        let row = checked(route, layout.routeCount) * CounterLayout.methodCount + Int(method.rawValue)
        add(layout.requests + row * CounterLayout.statusCount + code - CounterLayout.statusMin, 1)
    }

    /// How long a request of a route took.
    @inlinable
    public func observeRequestDuration(route: Int, nanoseconds: UInt64) {
        observe(layout.durations + checked(route, layout.routeCount) * DurationHistogram.wordCount, nanoseconds)
    }

    // MARK: Upstreams

    /// How long an upstream took for its header block.
    @inlinable
    public func observeResponseHeader(upstream: Int, nanoseconds: UInt64) {
        observe(cell(upstream, CounterLayout.responseHeader), nanoseconds)
    }

    /// Connections in a state, more (+1) or fewer (-1).
    @inlinable
    public func changeUpstreamConnections(upstream: Int, _ state: ConnectionStateLabel, by difference: Int) {
        add(cell(upstream, CounterLayout.connections + Int(state.rawValue)), UInt64(bitPattern: Int64(difference)))
    }

    @inlinable
    public func countClosed(upstream: Int, _ reason: CloseReason) {
        add(cell(upstream, CounterLayout.closed + Int(reason.rawValue)), 1)
    }

    @inlinable
    public func countRetry(upstream: Int) { add(cell(upstream, CounterLayout.retries), 1) }

    /// A request that its server has not processed or may get twice, and that is not sent again: the budget or its body lacks.
    @inlinable
    public func countRetryRefused(upstream: Int) { add(cell(upstream, CounterLayout.retriesRefused), 1) }

    /// A pooled connection served another exchange before it had rested for the whole of its time.
    @inlinable
    public func countShortRest(upstream: Int) { add(cell(upstream, CounterLayout.shortRests), 1) }

    /// An answer that the proxy did not pass on, though it breaks no rule.
    @inlinable
    public func countUpstreamRejected(upstream: Int, _ reason: UpstreamRejectReason) {
        add(cell(upstream, CounterLayout.upstreamRejected + Int(reason.rawValue)), 1)
    }

    @inlinable
    public func addSurplus(upstream: Int, bytes: UInt64) { add(cell(upstream, CounterLayout.surplus), bytes) }

    // MARK: Clients and both sides

    /// Connections of a listener, more (+1) or fewer (-1).
    @inlinable
    public func changeClientConnections(listener: Int, by difference: Int) {
        add(layout.listeners + checked(listener, layout.listenerCount), UInt64(bitPattern: Int64(difference)))
    }

    @inlinable
    public func countRejected(_ reason: RejectReason) { add(CounterLayout.rejected + Int(reason.rawValue), 1) }

    @inlinable
    public func addReceived(_ side: SideLabel, bytes: Int) {
        add(CounterLayout.received + Int(side.rawValue), UInt64(truncatingIfNeeded: bytes))
    }

    @inlinable
    public func addSent(_ side: SideLabel, bytes: Int) {
        add(CounterLayout.sent + Int(side.rawValue), UInt64(truncatingIfNeeded: bytes))
    }

    /// How late the event loop was for a timer.
    @inlinable
    public func observeLag(nanoseconds: UInt64) { observe(CounterLayout.lag, nanoseconds) }

    // MARK: Gauges

    /// Connections in a state, as `changeUpstreamConnections` has counted them.
    package func upstreamConnections(upstream: Int, _ state: ConnectionStateLabel) -> UInt64 {
        unsafe so_load(words + cell(upstream, CounterLayout.connections + Int(state.rawValue)))
    }

    package func clientConnections(listener: Int) -> UInt64 {
        unsafe so_load(words + layout.listeners + checked(listener, layout.listenerCount))
    }

    package func rejected(_ reason: RejectReason) -> UInt64 {
        unsafe so_load(words + CounterLayout.rejected + Int(reason.rawValue))
    }

    package func upstreamRejected(upstream: Int, _ reason: UpstreamRejectReason) -> UInt64 {
        unsafe so_load(words + cell(upstream, CounterLayout.upstreamRejected + Int(reason.rawValue)))
    }

    // MARK: Words

    /// Adds to a word. Relaxed: nobody else writes it, and a reader may see it a little later.
    @inlinable
    public func add(_ index: Int, _ amount: UInt64) {
        let word = unsafe words + checked(index, layout.wordCount)
        unsafe so_store(word, so_load(word) &+ amount)
    }

    @inlinable
    func observe(_ index: Int, _ nanoseconds: UInt64) {
        add(index + DurationHistogram.bucket(nanoseconds: nanoseconds), 1)
        add(index + DurationHistogram.bucketCount, nanoseconds)
    }

    @inlinable
    func cell(_ upstream: Int, _ offset: Int) -> Int {
        layout.upstreams + checked(upstream, layout.upstreamCount) * CounterLayout.upstreamWords + offset
    }

    @inlinable
    func checked(_ index: Int, _ count: Int) -> Int {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        return index
    }
}
