import COpenSSL
import CTLS
import Wire

/// The server's side of TLS: certificates, chosen by the name that the client asks for, and what is demanded of clients.
///
/// Never changes. A reload makes another one; sessions of the old one go on.
public final class TLSAcceptor: Sendable {
    private let settings: TLSSettings
    /// What works, and should be mended: certificates that have expired. Each names its file.
    public let warnings: [String]

    /// `certificates`: the first one serves unknown names. `clientCA`: a PEM file; clients must present a certificate from it.
    public init(
        certificates: [CertificateFiles], clientCA: String? = nil, protocols: [HTTPVersion] = [.http2, .http11],
        minimumVersion: TLSVersion = .tls12, tickets: TicketKeys
    ) throws(TLSError) {
        var identities: [TLSIdentity] = []
        for files in certificates { identities.append(try TLSIdentity(files)) }
        guard !identities.isEmpty else { throw TLSError(nil, "TLS needs a certificate") }
        warnings = identities.flatMap(\.warnings)
        let authorities = try clientCA.map { path throws(TLSError) in try PEMFile(path).certificates() }

        // Certificates for the same hosts with keys of other types stand together: the client's abilities choose.
        var groups: [(names: Set<String>, keyTypes: Set<Int32>, settings: TLSSettings)] = []
        for identity in identities {
            let names = Set(identity.certificate.hostNames)
            let known = groups.firstIndex { $0.names == names && !$0.keyTypes.contains(identity.keyType) }
            let place: Int
            if let known {
                place = known
            } else {
                let made = unsafe try TLSSettings(TLS_server_method(), minimumVersion: minimumVersion)
                try Self.complete(made, authorities, protocols, tickets)
                groups.append((names, [], made))
                place = groups.count - 1
            }
            try groups[place].settings.use(identity)
            groups[place].keyTypes.insert(identity.keyType)
        }
        settings = groups[0].settings
        guard groups.count > 1 else { return }
        let names = ServerNames()
        for (i, group) in groups.enumerated() { names.add(group.names.sorted(), i == 0 ? nil : group.settings) }
        try Self.chooseByName(settings, names)
    }

    /// nil without memory.
    public func makeSession(_ port: borrowing TLSPort) -> TLSSession? {
        unsafe so_tls_accepting(settings.pointer, port.pointer).map { unsafe TLSSession(ssl: $0) }
    }

    private static func complete(
        _ settings: TLSSettings, _ authorities: [Certificate]?, _ protocols: [HTTPVersion], _ tickets: TicketKeys
    ) throws(TLSError) {
        if let list = TLSSettings.protocolList(protocols) { unsafe so_tls_choose_protocol(settings.pointer, list.utf8Start) }
        guard unsafe so_tls_use_ticket_keys(settings.pointer, tickets.pointer, UInt32(TicketKeys.ticketSeconds)) == 1 else {
            throw TLSError(nil, "session tickets cannot be set up: \(TLSError.takeReason())")
        }
        if let authorities {
            settings.verifyPeers(against: authorities)
            for authority in authorities { unsafe SSL_CTX_add_client_CA(settings.pointer, authority.pointer) }
        }
        // A session agreed under other authorities, or none, must not be resumed here: it would evade the demand.
        var digest = [UInt8](repeating: 0, count: 32)
        let bytes = authorities?.flatMap { $0.encoded } ?? []
        unsafe SHA256(bytes, bytes.count, &digest)
        unsafe SSL_CTX_set_session_id_context(settings.pointer, digest, UInt32(digest.count))
    }

    private static func chooseByName(_ settings: TLSSettings, _ names: ServerNames) throws(TLSError) {
        let owner = unsafe Unmanaged.passRetained(names).toOpaque()
        let isSet = unsafe so_tls_choose_context(
            settings.pointer,
            { name, owner in
                guard let name = unsafe name, let owner = unsafe owner else { return nil }
                let names = unsafe Unmanaged<ServerNames>.fromOpaque(owner).takeUnretainedValue()
                return unsafe names.find(String(cString: name))?.pointer
            }, unsafe owner, { unsafe Unmanaged<ServerNames>.fromOpaque($0!).release() })
        guard isSet == 1 else { throw TLSError(nil, "out of memory for server names") }
    }
}
