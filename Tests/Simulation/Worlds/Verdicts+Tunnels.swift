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
        if hasBeenIdle(tunnel, openedAt, world) { return }
        let clientLeft = client.ending == .own || client.hasGone || story.outcome == .aborted
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

    /// Whether nothing has passed for `tunnel_idle` when it ended.
    private static func hasBeenIdle(_ tunnel: Tunnel, _ openedAt: UInt64, _ world: SimulatedWorld) -> Bool {
        guard let idle = world.weather.tunnels?.idle else { return false }
        let (client, server) = (tunnel.client!, tunnel.server!)
        let last = max(openedAt, client.saidAt(heard: server.heard), server.saidAt(heard: client.heard))
        return max(client.endedAt, server.endedAt) >= last + idle
    }

    /// Whether a tunnel that its client saw cut may have been: its server has reset it, or it was idle and its client, which took
    /// nothing, had not been given everything.
    static func mayBeCut(_ story: Story, _ world: SimulatedWorld) -> Bool {
        guard let tunnel = story.tunnel else { return false }
        if tunnel.server.ending == .own { return true }
        return tunnel.client.script.stall != nil && tunnel.openedAt.map { hasBeenIdle(tunnel, $0, world) } ?? false
    }
}
