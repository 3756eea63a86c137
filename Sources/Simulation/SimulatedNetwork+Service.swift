extension SimulatedNetwork {
    /// What happens when the worker connects to an address.
    public enum Service {
        /// The peer made for the connection; its link may differ each time.
        case accepts((SimulatedNetwork) -> (peer: SimulatedPeer, link: Link))
        case refuses(error: Int32, link: Link)
        /// Nothing ever comes back.
        case silent(Link)
    }

    /// Says what is found at an address, as `SocketAddress.description` writes it.
    public func serve(_ address: String, _ service: Service) { services[address] = service }

    /// A connect request has arrived where its server's connection is waiting to be made.
    func serveConnect(_ near: SimulatedSocket) {
        guard !near.isClosed, let far = near.other, let peer = far.peer else { return }
        far.isEstablished = true
        add(after: near.link.latency, .connectDecision(near, error: 0))
        peer.begin()
    }
}
