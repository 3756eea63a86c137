import COpenSSL
import CTLS

/// Why a session failed, in words for operators. Made on the cold path.
public struct TLSFailure: Equatable, Sendable, CustomStringConvertible {
    /// A closed set, for counters.
    public enum Reason: String, Sendable, CaseIterable {
        /// An HTTP request, or an HTTP answer, where TLS is due.
        case plainHTTP = "plain_http"
        case notTLS = "not_tls"
        case version, cipher, alpn
        case certificateMissing = "certificate_missing"
        case certificateRefused = "certificate_refused"
        /// The peer has said so in an alert.
        case refusedByPeer = "refused_by_peer"
        /// A record or a message that is wrong, or was changed on its way.
        case malformed
        /// New keys, tickets or new handshakes without end.
        case flood
    }

    public let reason: Reason
    public let description: String

    init(_ failure: so_tls_failure) {
        let peer = failure.is_server != 0 ? "client" : "upstream"
        let code = so_tls_reason(failure.code)
        let alert = so_tls_alert(failure.code)
        if failure.is_flood != 0 {
            let tickets = failure.is_server != 0 ? "" : "gives tickets, "
            (reason, description) = (.flood, "\(peer) changes its keys, \(tickets)or asks for a new handshake, too often")
        } else if failure.looks_like_http != 0 {
            (reason, description) = (.plainHTTP, "\(peer) speaks HTTP, not TLS")
        } else if alert >= 0 {
            (reason, description) = (.refusedByPeer, Self.refusal(alert, peer))
        } else if code == SSL_R_CERTIFICATE_VERIFY_FAILED {
            (reason, description) = (.certificateRefused, Self.verification(failure))
        } else {
            (reason, description) = Self.meaning(of: code, failure, peer)
        }
    }

    private static func meaning(of code: Int32, _ failure: so_tls_failure, _ peer: String) -> (Reason, String) {
        let isFirst = failure.is_established == 0
        switch code {
        case SSL_R_WRONG_VERSION_NUMBER where isFirst: return (.notTLS, "\(peer) does not speak TLS")
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_UNKNOWN_PROTOCOL, SSL_R_WRONG_SSL_VERSION,
            SSL_R_WRONG_VERSION_NUMBER, SSL_R_INAPPROPRIATE_FALLBACK:
            return (.version, "\(peer) speaks no version of TLS that is allowed here")
        case SSL_R_NO_SHARED_CIPHER: return (.cipher, "no shared cipher")
        case SSL_R_NO_SHARED_GROUPS, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS: return (.cipher, "no shared group")
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
            return (.cipher, "no shared signature algorithm")
        case SSL_R_NO_APPLICATION_PROTOCOL: return (.alpn, "\(peer) offers no protocol that is spoken here (ALPN)")
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return (.certificateMissing, "\(peer) has presented no certificate")
        case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: return (.malformed, "a record from the \(peer) cannot be decrypted")
        default: break
        }
        if failure.code == 0 { return (.malformed, "\(peer) has sent a message of TLS in part, and keeps the rest back") }
        guard let text = unsafe ERR_reason_error_string(failure.code) else { return (.malformed, "TLS error \(failure.code)") }
        return (.malformed, unsafe "\(isFirst ? "TLS handshake" : "TLS"): \(String(cString: text))")
    }

    private static func verification(_ failure: so_tls_failure) -> String {
        var text = "certificate verify failed: "
        unsafe text += String(cString: X509_verify_cert_error_string(failure.verify))
        let detail = unsafe withUnsafeBytes(of: failure.detail) {
            unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if !detail.isEmpty { text += " (\(detail))" }
        return text
    }

    /// RFC 8446 section 6.2.
    private static func refusal(_ alert: Int32, _ peer: String) -> String {
        let name = unsafe String(cString: SSL_alert_desc_string_long(alert))
        switch alert {
        case 42, 43, 44, 45, 46, 48, 116: return "\(peer) refuses our certificate or demands one: alert '\(name)'"
        default: return "\(peer) has ended the session: alert '\(name)'"
        }
    }
}
