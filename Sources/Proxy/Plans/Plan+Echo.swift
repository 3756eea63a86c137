import Configuration
import Report

extension Plan.Echo {
    init(_ setting: Settings.Probe.Echo) {
        switch setting {
        case .auto: self = .auto
        case .require: self = .require
        case .off: self = .off
        }
    }
}

extension Plan {
    /// What the numbers in this plan's marks stand for.
    public var markNames: ApplicationDesk.Names {
        ApplicationDesk.Names(
            routes: routes.map(\.name),
            servers: upstreams.flatMap { upstream in
                upstream.servers.map { ApplicationDesk.Names.Server(upstream: upstream.name, address: $0.name) }
            })
    }
}
