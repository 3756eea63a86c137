import COpenSSL
import CTLS
import Wire

/// One `SSL_CTX`. OpenSSL counts its references: sessions keep it alive when this object is long gone.
///
/// The versions, ciphers and groups are those that Mozilla calls intermediate, without the DHE suites: no client of the last
/// ten years needs them, and they let a client make us work hard for little (CVE-2002-20001).
@safe final class TLSSettings: @unchecked Sendable {
    private static let ciphers = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")
    private static let groups = "X25519:P-256:P-384"
    /// Bytes of a peer's certificate chain.
    private static let peerChainBytesMax = 64 << 10

    let pointer: OpaquePointer

    init(_ method: OpaquePointer?, minimumVersion: TLSVersion) throws(TLSError) {
        so_tls_prepare()
        guard let pointer = unsafe SSL_CTX_new(method) else { throw TLSError(nil, TLSError.takeReason()) }
        unsafe self.pointer = unsafe pointer
        guard unsafe so_tls_configure(pointer, minimumVersion.rawValue, Self.groups, Self.peerChainBytesMax) == 1,
            unsafe SSL_CTX_set_cipher_list(pointer, Self.ciphers) == 1
        else { throw TLSError(nil, "this OpenSSL lacks what TLS needs today: \(TLSError.takeReason())") }
    }

    deinit { unsafe SSL_CTX_free(pointer) }

    /// Shows this certificate, beside those of other key types.
    func use(_ identity: TLSIdentity) throws(TLSError) {
        guard unsafe SSL_CTX_use_certificate(pointer, identity.certificate.pointer) == 1 else {
            throw TLSError(identity.files.certificate, "the certificate is refused: \(TLSError.takeReason())")
        }
        guard unsafe SSL_CTX_use_PrivateKey(pointer, identity.key) == 1 else {
            throw TLSError(identity.files.key, "the key is refused: \(TLSError.takeReason())")
        }
        for certificate in identity.chain {
            guard unsafe so_tls_add_to_chain(pointer, certificate.pointer) == 1 else {
                throw TLSError(identity.files.certificate, "a certificate of the chain is refused: \(TLSError.takeReason())")
            }
        }
    }

    /// Demands a certificate that one of these authorities has issued.
    func verifyPeers(against authorities: [Certificate]) {
        let store = unsafe SSL_CTX_get_cert_store(pointer)
        for authority in authorities { unsafe X509_STORE_add_cert(store, authority.pointer) }
        unsafe so_tls_verify_peer(pointer)
    }

    /// Protocols in ALPN's form after a byte with the list's length. Static, as sessions outlive every object.
    static func protocolList(_ protocols: [HTTPVersion]) -> StaticString? {
        let names = protocols.filter { $0 != .http10 }
        switch (names.first, names.contains(.http2), names.contains(.http11)) {
        case (.http2, _, true): return "\u{c}\u{2}h2\u{8}http/1.1"
        case (.http11, true, _): return "\u{c}\u{8}http/1.1\u{2}h2"
        case (_, true, false): return "\u{3}\u{2}h2"
        case (_, false, true): return "\u{9}\u{8}http/1.1"
        default: return nil
        }
    }
}
