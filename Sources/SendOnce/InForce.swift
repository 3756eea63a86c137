import Admin
import Configuration
import Proxy
import Synchronization

/// What is in force: shown by the admin endpoint's thread, replaced by a reload.
final class InForce: Sendable {
    enum End: Sendable { case drain, retirement }

    private struct State {
        var settings: Settings
        var configuration: [UInt8]
        var fleet: Fleet
        var endsBy: End?

        init(_ settings: Settings, _ fleet: Fleet) {
            self.settings = settings
            self.fleet = fleet
            configuration = Array(settings.redactedJSON.utf8)
        }
    }

    private let state: Mutex<State>

    init(settings: Settings, fleet: Fleet) { state = Mutex(State(settings, fleet)) }

    func replace(settings: Settings, fleet: Fleet) { state.withLock { $0 = State(settings, fleet) } }
    func end(by end: End) { state.withLock { $0.endsBy = end } }

    var settings: Settings { state.withLock { $0.settings } }
    var fleet: Fleet { state.withLock { $0.fleet } }
    var endsBy: End? { state.withLock { $0.endsBy } }
    var configuration: [UInt8] { state.withLock { $0.configuration } }

    var upstreams: [UInt8] {
        let fleet = fleet
        return fleet.fleetState.upstreamsJSON(fleet.plan)
    }

    var readiness: AdminSources.Readiness {
        let (fleet, endsBy) = state.withLock { ($0.fleet, $0.endsBy) }
        return AdminSources.Readiness(problems: endsBy != nil ? ["draining"] : fleet.fleetState.problems(fleet.plan))
    }
}
