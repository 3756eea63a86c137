import Logging

/// The proxy's own log, of which a world makes sense.
struct WorldLog: LogHandler, @unchecked Sendable {
    private weak var world: SimulatedWorld?
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(_ world: SimulatedWorld) { self.world = world }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let server = event.metadata?["server"].map { "\($0)" } ?? ""
        world?.noteLogged("\(event.message)", server: server, "\(event.metadata?["error"] ?? "")")
    }
}
