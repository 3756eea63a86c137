import Proxy
import Simulation

/// What the servers' probes do, and the proxy expects of them: answers have the marks of their requests, all or most of them.
struct ProbeHabits {
    var echo: Plan.Echo
    /// Answers that a handler writes past the probe, and those that somebody in between has kept, which have a mark of another connection.
    var unmarkedPerMille: Int
    var keptPerMille: Int
    /// Second answers that come through the probe, and so have the mark of the request that has been answered already.
    var markedStraysPerMille: Int

    init(_ random: inout SeededNumbers) {
        echo = random.pick([.auto, .auto, .auto, .require])
        unmarkedPerMille = random.pick([0, 0, 50, 300, 1000])
        keptPerMille = random.pick([0, 0, 0, 100])
        markedStraysPerMille = random.pick([0, 500, 1000])
    }

    /// A mark that the proxy has never given out.
    static func strange(_ random: inout SeededNumbers) -> String {
        String((0..<32).map { _ in random.pick(Array("0123456789abcdef")) })
    }
}
