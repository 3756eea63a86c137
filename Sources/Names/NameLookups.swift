import EventLoop
import Glibc

/// Look-ups that are under way, as the watch over the servers needs them: `NameResolver`'s, or in simulated worlds a seed's.
///
/// The seam is here and not below c-ares, whose sockets could be replaced: its clock, the files that it reads and the numbers that it
/// draws cannot be, so that no seed would replay. Belongs to one thread, which polls its descriptors.
public protocol NameLookups: AnyObject {
    /// Begins to look a name up. The answer comes with `take`, under the key.
    func ask(_ host: String, port: UInt16, key: Int)
    /// The answers that have come since the last time.
    func take() -> [(key: Int, outcome: NameResolver.Outcome)]
    var isAsking: Bool { get }
    /// The descriptors to poll, for as long as it is asking.
    var descriptors: [pollfd] { get }
    /// Milliseconds after which it has to be attended to, whatever its descriptors do; nil for never.
    var milliseconds: Int? { get }
    /// Attends to descriptors that have been polled, and to time that has passed.
    func attend(_ polled: ArraySlice<pollfd>)
    /// Nobody waits for its answers any more: it gives back what it has asked with.
    func cancel()
}
