import Report

/// `incidents.capture`: what travels on connections to upstreams is kept for a while, so that an incident's can be written down.
extension Worker {
    /// Hands an incident to the recorder, with the name of its connection's capture.
    mutating func submit(_ incident: Incident) {
        var incident = incident
        if transport.isTaping { transport.capture(&incident) }
        fleetState.recorder.record(incident)
    }
}
