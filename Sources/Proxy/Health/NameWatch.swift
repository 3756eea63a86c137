import CShim
import EventLoop
import Names

/// One server that is given by name: when it is to be looked up again. Lives on the watch's thread.
struct NameWatch {
    /// An answer is relied on for at least, and at most, so long, whatever it says of itself.
    static let secondsRange = 1...3600
    /// An answer that does not say (the hosts file), and after a failure.
    static let secondsElse = 5

    let place: ServerIndex
    let upstream: Int
    let server: Int
    let host: String
    let port: UInt16
    private(set) var dueAt: UInt64
    private(set) var isAsking = false
    private(set) var failuresInRow = 0

    init(place: ServerIndex, upstream: Int, server: Int, _ name: Plan.ServerName, now: UInt64) {
        self.place = place
        self.upstream = upstream
        self.server = server
        host = name.host
        port = name.port
        dueAt = now + Self.nanoseconds(name.seconds)
    }

    func isDue(_ now: UInt64) -> Bool { !isAsking && now >= dueAt }

    mutating func ask(_ resolver: any NameLookups, key: Int) {
        isAsking = true
        resolver.ask(host, port: port, key: key)
    }

    mutating func answered(seconds: Int, _ now: UInt64) {
        isAsking = false
        failuresInRow = 0
        dueAt = now + Self.nanoseconds(seconds)
    }

    mutating func failed(_ now: UInt64) {
        isAsking = false
        failuresInRow += 1
        dueAt = now + Self.nanoseconds(0)
    }

    private static func nanoseconds(_ seconds: Int) -> UInt64 {
        let seconds = seconds == 0 ? secondsElse : min(max(seconds, secondsRange.lowerBound), secondsRange.upperBound)
        return UInt64(seconds) * 1_000_000_000
    }
}
