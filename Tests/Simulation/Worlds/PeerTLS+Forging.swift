import CPeerTLS

/// What a client says in its first message of TLS that another would not.
struct TLSHello {
    enum Way { case ordinary, oldVersion, otherCipher, otherProtocols, unknownName, manyProtocols, foreignTicket, earlyData }

    var way = Way.ordinary
    /// TLS 1.2 alone; 1.3 alone otherwise.
    var isOld = false
    /// Sent before the other side has said anything, as the server allows it that gave the ticket.
    var early: [UInt8] = []
    private var version: Int32 { isOld ? 0x303 : 0x304 }

    /// To be gone on with.
    func session() -> OpaquePointer? {
        switch way {
        case .foreignTicket: so_peer_foreign_session(version, 0)
        case .earlyData: so_peer_foreign_session(0x304, 100_000)
        default: nil
        }
    }

    func prepare(_ ssl: OpaquePointer) {
        var isPrepared = so_peer_forges(ssl) == 1 && so_peer_limit_versions(ssl, version, version, nil) == 1
        switch way {
        case .ordinary, .foreignTicket, .earlyData: break
        case .oldVersion: isPrepared = so_peer_limit_versions(ssl, 0x301, 0x302, "ALL:@SECLEVEL=0") == 1
        case .otherCipher: isPrepared = so_peer_limit_versions(ssl, 0x303, 0x303, "AES128-SHA:AES256-SHA") == 1
        case .otherProtocols: offer(["spdy/3"], ssl)
        case .unknownName: so_peer_name(ssl, "nobody.example")
        // A hello of some 60,000 bytes, in several records.
        case .manyProtocols: offer((0..<6000).map { "p/\(100_000 + $0)" } + ["http/1.1"], ssl)
        }
        precondition(isPrepared, "OpenSSL refuses a hello")
    }

    private func offer(_ names: [String], _ ssl: OpaquePointer) {
        let list = names.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        precondition(so_peer_offer(ssl, list, list.count) == 1, "OpenSSL refuses a hello")
    }
}

/// Records of any type and content.
extension PeerTLS {
    private static let contentMax = 16_384

    /// As many as the bytes need; one of none.
    func forge(_ type: UInt8, _ bytes: [UInt8], padding: Int = 0) -> [UInt8] {
        guard isReady else { return [] }
        var records: [UInt8] = []
        var rest = bytes[...]
        repeat {
            let part = Array(rest.prefix(Self.contentMax))
            rest = rest.dropFirst(part.count)
            var record = [UInt8](repeating: 0, count: part.count + padding + 64)
            let count = so_peer_forge(ssl, type, part, part.count, padding, &record)
            records += record[..<count]
        } while !rest.isEmpty
        return records
    }

    func useNextKeys() { so_peer_forge_next_keys(ssl) }

    /// What the last alert that came has said (RFC 8446 section 6); nil: none has come.
    var lastAlert: UInt8? {
        let alert = so_peer_alert(ssl)
        return alert == 0 ? nil : UInt8(alert & 0xff)
    }
}
