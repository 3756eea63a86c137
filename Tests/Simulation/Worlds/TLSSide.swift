import CPeerTLS

/// What the connections of one side have in common.
final class TLSSide {
    let settings: OpaquePointer
    let isServer: Bool
    let end: TLSHabits.End
    /// What its upstreams speak; clients have plans of their own.
    private let speaksFrames: Bool
    private let offers: [UInt8]

    static let http1 = Array("http/1.1".utf8)
    static let http2 = Array("h2".utf8)

    init(isServer: Bool, _ end: TLSHabits.End, speaksFrames: Bool) {
        self.isServer = isServer
        self.end = end
        self.speaksFrames = speaksFrames
        let names = speaksFrames ? [Self.http2] : end.offersProtocols ? [Self.http1] : []
        offers = names.flatMap { [UInt8($0.count)] + $0 }
        guard let settings = so_peer_settings(isServer ? 1 : 0, end.isOld ? 0x303 : 0x304, offers, offers.count) else {
            preconditionFailure("OpenSSL refuses the world's settings")
        }
        self.settings = settings
        if isServer, end.ticketBytes > 0 { so_peer_lengthen_tickets(settings, end.ticketBytes) }
    }

    deinit { so_peer_settings_free(settings) }

    /// The protocol that a handshake must come to; empty: none.
    func agreed(_ plan: ClientPlan?) -> [UInt8] {
        if speaksFrames { return Self.http2 }
        return offers.isEmpty ? [] : Self.http1
    }
}
