import COpenSSL
import CTLS
import Glibc
import Wire

/// The client's side of TLS: whom to trust, which protocols to offer, and perhaps a certificate to show.
public final class TLSConnector: Sendable {
    /// Whose certificates are good.
    public enum Trust: Sendable, Equatable {
        /// The system's authorities.
        case system
        /// Those of a PEM file, and no others.
        case file(String)
        /// Everybody's: protects against eavesdroppers only.
        case all
    }

    private let settings: TLSSettings
    /// What works, and should be mended. Each names its file.
    public let warnings: [String]

    public init(
        trust: Trust = .system, protocols: [HTTPVersion] = [], certificate: CertificateFiles? = nil,
        minimumVersion: TLSVersion = .tls12
    ) throws(TLSError) {
        settings = unsafe try TLSSettings(TLS_client_method(), minimumVersion: minimumVersion)
        unsafe so_tls_remember_sessions(settings.pointer)
        if let list = TLSSettings.protocolList(protocols) {
            // This one call of OpenSSL's returns 0 for success.
            guard unsafe SSL_CTX_set_alpn_protos(settings.pointer, list.utf8Start + 1, UInt32(list.utf8Start[0])) == 0 else {
                throw TLSError(nil, "out of memory for ALPN")
            }
        }
        switch trust {
        case .system:
            try Self.requireSystemAuthorities()
            unsafe SSL_CTX_set_default_verify_paths(settings.pointer)
            unsafe so_tls_verify_peer(settings.pointer)
        case .file(let path):
            settings.verifyPeers(against: try PEMFile(path).certificates())
        case .all: break
        }
        let identity = try certificate.map { files throws(TLSError) in try TLSIdentity(files) }
        if let identity { try settings.use(identity) }
        warnings = identity?.warnings ?? []
    }

    /// Where sessions lead to: a host name, or a literal address, that the server's certificate must be for.
    public func destination(_ host: String) throws(TLSError) -> TLSDestination {
        try TLSDestination(settings, host)
    }

    /// Speaks this version at most.
    func limit(to version: TLSVersion) { _ = unsafe so_tls_limit_version(settings.pointer, version.rawValue) }

    /// Without this look, every handshake would fail with nothing but "unable to get local issuer certificate".
    private static func requireSystemAuthorities() throws(TLSError) {
        let file =
            unsafe getenv(X509_get_default_cert_file_env()) ?? UnsafeMutablePointer(mutating: X509_get_default_cert_file()!)
        let directory =
            unsafe getenv(X509_get_default_cert_dir_env()) ?? UnsafeMutablePointer(mutating: X509_get_default_cert_dir()!)
        guard unsafe access(file, R_OK) != 0, unsafe access(directory, R_OK | X_OK) != 0 else { return }
        throw unsafe TLSError(
            String(cString: directory), "the system's certificate authorities are not there (package ca-certificates?)")
    }
}
