import CShim
import EventLoop
import Glibc

/// What a kernel may do and seldom does.
public struct KernelTroubles: Sendable {
    /// So many of a thousand accepts, connects and pipes find no descriptor, or no memory.
    public var exhaustedPerMille = 0
    /// So many of a thousand waits report a socket that nothing has happened to, as if it could be read.
    public var spuriousPerMille = 0
    /// So many end at once, with nothing to report.
    public var emptyWaitsPerMille = 0
    /// Events are reported in any order.
    public var shuffles = false
    /// The wall clock jumps every few milliseconds, to its first day as well as to a far year.
    public var clockJumps = false
    /// This machine has a way to addresses of IPv4 alone.
    public var lacksIPv6 = false

    public init() {}

    public init(_ random: inout SeededNumbers) {
        exhaustedPerMille = random.pick([0, 0, 20, 200])
        spuriousPerMille = random.pick([0, 50, 500])
        emptyWaitsPerMille = random.pick([0, 50, 300])
        shuffles = random.chance(perMille: 700)
    }

    /// The error of a call that finds nothing left; nil: it finds enough.
    func exhaustion(_ random: inout SeededNumbers) -> Int32? {
        random.chance(perMille: exhaustedPerMille) ? -random.pick([EMFILE, ENFILE, ENOMEM, ENOBUFS]) : nil
    }

    func hasRoute(to address: borrowing SocketAddress) -> Bool {
        let isIPv6 = Int32(address.storage.ss_family) == AF_INET6
        return !isIPv6 || !lacksIPv6
    }

    /// What the wall clock shows at a time of the clock that never goes back.
    func wallClock(at time: UInt64) -> UInt64 {
        guard clockJumps else { return time }
        var random = SeededNumbers(seed: time / 5_000_000)
        let (hour, year): (UInt64, UInt64) = (3_600_000_000_000, 31_556_952_000_000_000)
        return random.pick([time, time + hour, time - hour, time + year, time - year, time + 500 * year, 0, 1])
    }

    /// Makes of a wait's events what a kernel may report in their place; returns how many.
    func disturb(
        _ events: UnsafeMutablePointer<so_event>, _ count: Int, _ capacity: Int, _ random: inout SeededNumbers,
        sockets: () -> [SimulatedSocket]
    ) -> Int {
        var count = count
        if count > 0, count < capacity, random.chance(perMille: spuriousPerMille) {
            let idle = sockets().filter { $0.isRegistered && !$0.isInReadyList }
            if !idle.isEmpty {
                let socket = random.pick(idle)
                if !(0..<count).contains(where: { events[$0].tag == socket.tag }) {
                    events[count] = so_event(tag: socket.tag, flags: socket.pollFlags | UInt32(so_readable))
                    count += 1
                }
            }
        }
        if shuffles, count > 1 {
            for place in 0..<count - 1 {
                let other = place + random.below(count - place)
                (events[place], events[other]) = (events[other], events[place])
            }
        }
        return count
    }

    /// The same of what poll has found: one more that was asked for may be said to be readable.
    func disturb(_ entries: UnsafeMutableBufferPointer<pollfd>, _ count: Int, _ random: inout SeededNumbers) -> Int {
        guard random.chance(perMille: spuriousPerMille) else { return count }
        let idle = entries.indices.filter {
            entries[$0].fd >= 0 && entries[$0].revents == 0 && entries[$0].events & Int16(POLLIN) != 0
        }
        guard !idle.isEmpty else { return count }
        entries[random.pick(idle)].revents = Int16(POLLIN)
        return count + 1
    }
}
