import Report

/// `incidents.capture`: what travels on connections to upstreams is kept for a while, so that an incident's can be written down.
extension Worker {
    /// Records an incident, and names the capture of its connection.
    mutating func record(_ incident: Incident) {
        var incident = incident
        if transport.isTaping { transport.capture(&incident) }
        world.recorder.record(incident)
    }
}
