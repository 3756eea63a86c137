import CPeerTLS
import Proxy
import Simulation
import TLS

/// A world's TLS: how its peers speak it, what the proxy is given for it, and the chance that both draw from.
final class WorldTLS {
    let habits: TLSHabits
    let acceptor: TLSAcceptor?
    let connector: TLSConnector?
    private let chance: UnsafeMutablePointer<UInt64>
    private let clients: TLSSide?
    private let frameClients: TLSSide?
    private let upstreams: TLSSide?
    private var spoiledLeft: Int
    /// Connections on which servers flood, and what decides of them: nothing else is drawn from it.
    private var floodsLeft = 0
    private var own: SeededNumbers

    /// `takesFrames`: clients may speak HTTP/2, whether or not the innocent ones do.
    init(_ habits: TLSHabits, _ speech: Speech, takesFrames: Bool, floods: Bool, chance seed: UInt64) {
        self.habits = habits
        own = SeededNumbers(seed: seed ^ 0x666c_6f6f)
        // Whoever meets two of them, or one and a handshake that is spoiled, has no try left.
        floodsLeft = floods ? 1 : 0
        chance = .allocate(capacity: 1)
        chance.initialize(to: seed)
        so_chance_begin(chance)
        defer { so_chance_end() }
        spoiledLeft = habits.spoiledServers
        clients = habits.clients.map { TLSSide(isServer: false, $0, speaksFrames: false) }
        frameClients = takesFrames ? habits.clients.map { TLSSide(isServer: false, $0, speaksFrames: true) } : nil
        upstreams = habits.upstreams.map { TLSSide(isServer: true, $0, speaksFrames: speech.upstreams != nil) }
        let certificate = "/proc/self/fd/\(so_peer_certificate_file())"
        do throws(TLSError) {
            let files = CertificateFiles(certificate: certificate, key: "/proc/self/fd/\(so_peer_key_file())")
            acceptor =
                habits.clients == nil
                ? nil
                : try TLSAcceptor(
                    certificates: [files], protocols: takesFrames ? [.http2, .http11] : [.http11],
                    tickets: try TicketKeys())
            connector =
                habits.upstreams == nil
                ? nil
                : try TLSConnector(trust: .file(certificate), protocols: [speech.upstreams == nil ? .http11 : .http2])
        } catch { preconditionFailure("a world without TLS: \(error)") }
    }

    deinit { chance.deallocate() }

    /// What OpenSSL draws in between follows from the seed.
    func whileDrawing<Result>(_ action: () -> Result) -> Result {
        so_chance_begin(chance)
        defer { so_chance_end() }
        return action()
    }

    func destination() -> TLSDestination? {
        do throws(TLSError) { return try connector?.destination("shop.example") } catch {
            preconditionFailure("a world without TLS: \(error)")
        }
    }

    // MARK: Layers of peers

    func client(_ world: SimulatedWorld, _ plan: ClientPlan) -> PeerTLS? {
        let side = plan.frames == nil ? clients : frameClients
        return side.map { PeerTLS(world, $0, "client \(plan.stories[0].id)", plan: plan) }
    }

    func faultyClient(_ world: SimulatedWorld, _ client: FaultyClient) -> PeerTLS? {
        let side = client.offersFrames ? frameClients : clients
        return side.map { PeerTLS(world, $0, "faulty \(client.number)") }
    }

    func faultyRequester(_ world: SimulatedWorld, number: Int) -> PeerTLS? {
        clients.map { PeerTLS(world, $0, "requester \(number)") }
    }

    func intruder(_ world: SimulatedWorld, number: Int, _ hello: TLSHello) -> PeerTLS? {
        clients.map { PeerTLS(world, $0, "intruder \(number)", hello: hello) }
    }

    func upstream(_ world: SimulatedWorld, number: Int) -> PeerTLS? {
        var spoil: TLSSpoil?
        if spoiledLeft > 0, world.random.chance(perMille: 300) {
            spoiledLeft -= 1
            spoil = TLSSpoil(&world.random, mayBeSilent: habits.silentServers)
        }
        let peer = upstreams.map { PeerTLS(world, $0, "upstream \(number)", spoil: spoil) }
        if floodsLeft > 0, spoiledLeft == habits.spoiledServers, own.chance(perMille: 500) {
            floodsLeft = 0
            spoiledLeft = 0
            let ticketBytes = habits.upstreams?.ticketBytes ?? 0
            peer?.dueFlood = TLSFlood(ticketBytes: ticketBytes, isSlow: world.weather.upstreamLink.isDrip, &own)
        }
        return peer
    }

    func visitor(_ world: SimulatedWorld, number: Int) -> TLSVisitor? {
        clients.map { TLSVisitor(world, number: number, $0) }
    }
}
