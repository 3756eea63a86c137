import Simulation

/// What a tunnel must have carried, and how it may have ended.
extension Verdicts {
    /// A tunnel that has been opened: every byte comes through, each end is told to the other side, and nothing stays behind.
    static func judge(_ tunnel: Tunnel, of story: Story, _ world: SimulatedWorld) {
        guard let openedAt = tunnel.openedAt else { return }
        func fail(_ what: String) { world.fail("the tunnel of request \(story.id) \(what)") }
        let (client, server) = (tunnel.client!, tunnel.server!)
        if server.ending == nil { fail("was left open towards its server") }
        // Its header block may have been cut already.
        if client.hasBegun, client.ending == nil, story.outcome != .aborted { fail("was left open towards its client") }
        if story.wasOnBrokenConnection || world.hasDrained { return }
        let isIdleOver = world.weather.tunnels?.idle.map { idle in
            let last = max(openedAt, client.saidAt(heard: server.heard), server.saidAt(heard: client.heard))
            return max(client.endedAt, server.endedAt) >= last + idle
        }
        if isIdleOver ?? false { return }
        let clientLeft = client.ending == .own || story.outcome == .aborted
        // Where there are no resets, one looks like an end; so it does where bytes for its server have met it.
        let isUnseen =
            server.ending == .own && world.speech.upstreams == nil
            && (world.weather.upstreamLink.isUnix || server.heard < client.saidBytes)
        if client.ending == .orderly, !isUnseen {
            if !server.hasEnded { fail("ended well for its client, and not by its server") }
            if !client.hasHeardAll { fail("ended for its client after \(client.heard) bytes") }
        }
        if client.ending == .broken, server.ending != .own { fail("was broken for its client") }
        // What its client says behind the end of a connection of HTTP/1 is not waited for.
        if clientLeft || server.ending == .own || tunnel.endsWithServer && server.hasEnded { return }
        if server.ending == .orderly {
            if !client.hasEnded { fail("ended well for its server, and not by its client") }
            if !server.hasHeardAll { fail("ended for its server after \(server.heard) bytes") }
        }
        if server.ending == .broken { fail("was broken for its server") }
    }

    /// What has not switched over HTTP/1 would say that it has over HTTP/2.
    static func mustFail(_ story: Story, _ world: SimulatedWorld) -> Bool {
        story.tunnel != nil && world.speech.clients != nil && world.speech.upstreams == nil
            && 200..<300 ~= story.answer.status
    }

    /// Whether a tunnel that its client saw cut may have been: its server has reset it.
    static func mayBeCut(_ story: Story) -> Bool { story.tunnel?.server.ending == .own }
}
