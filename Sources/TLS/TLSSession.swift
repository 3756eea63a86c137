import COpenSSL
import CTLS
import Glibc
import Wire

/// One TLS connection without its socket: ciphertext in, plaintext out, and back. Must be closed once.
///
/// Its handshake runs inside `receive`. It belongs to the thread of its port. No bytes of a peer make it trap, and after a
/// failure there is one thing to do: send the output, which may hold an alert, and close.
@safe public struct TLSSession: BitwiseCopyable {
    /// More than so many bytes than the ciphertext that was just given never come out of `receive` at once: a record that
    /// was still incomplete (RFC 8446 section 5.1).
    public static let surplusPlaintextMax = so_tls_record_bytes

    /// What `receive` has found.
    public struct Received: BitwiseCopyable {
        /// Bytes of plaintext; also beside an end or a failure.
        public let count: Int
        public let state: State
    }

    public enum State: BitwiseCopyable {
        /// All ciphertext has been taken; more may come.
        case open
        /// There is more, and no room: `receiveRest`.
        case full
        /// The peer has said that it will send no more (close_notify). A connection that ends without has been cut.
        case ended
        /// `TLSPort.failure` says why.
        case failed
    }

    public enum Written: BitwiseCopyable {
        case done
        /// Nothing was taken: the handshake has not ended yet.
        case handshaking
        /// `TLSPort.failure` says why.
        case failed
    }

    let ssl: OpaquePointer

    /// A client's greeting goes into the output. False: failed.
    public func start() -> Bool { unsafe so_tls_start(ssl) == SO_TLS_OPEN }

    /// Takes ciphertext and puts what it says into `plaintext`. With room for `count + surplusPlaintextMax` it is never full.
    public func receive(
        _ ciphertext: UnsafePointer<UInt8>?, _ count: Int, into plaintext: UnsafeMutablePointer<UInt8>, capacity: Int
    ) -> Received {
        var produced = 0
        let state = unsafe so_tls_receive(ssl, ciphertext, count, plaintext, capacity, &produced)
        return Received(count: produced, state: State(state))
    }

    /// Goes on where a `receive` that was full has ended. No other session may have worked in between.
    public func receiveRest(into plaintext: UnsafeMutablePointer<UInt8>, capacity: Int) -> Received {
        let port = unsafe so_tls_port_of(ssl)!
        return unsafe receive(port.pointee.input, port.pointee.input_count, into: plaintext, capacity: capacity)
    }

    /// Whether what the last `receive` had to do beside decrypting is no more than its peer may ask for (`so_tls_late_steps_burst`);
    /// `now` in nanoseconds. False: `TLSPort.failure` says why, and the session is to be closed.
    public func mayStep(_ now: UInt64) -> Bool { unsafe so_tls_may_step(ssl, now) == 1 }

    /// Puts the bytes of all runs into the output, in as few records as can be.
    public func write(_ runs: UnsafePointer<iovec>, _ count: Int) -> Written {
        switch unsafe so_tls_write(ssl, runs, Int32(count)) {
        case SO_TLS_OPEN: .done
        case SO_TLS_FULL: .handshaking
        default: .failed
        }
    }

    public func write(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Written {
        var run = unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes), iov_len: count)
        return unsafe write(&run, 1)
    }

    /// Announces to the peer that nothing more comes (close_notify). Nothing happens before the handshake's end or after a failure.
    public func shutdown() { unsafe so_tls_shutdown(ssl) }

    /// Frees the session; it must not be touched again.
    public func close() { unsafe so_tls_close(ssl) }
}

extension TLSSession.State {
    init(_ state: so_tls_state) {
        switch state {
        case SO_TLS_OPEN: self = .open
        case SO_TLS_FULL: self = .full
        case SO_TLS_ENDED: self = .ended
        default: self = .failed
        }
    }
}

/// What has been agreed.
extension TLSSession {
    /// The handshake has ended, and the session has not failed.
    public var isEstablished: Bool { unsafe SSL_is_init_finished(ssl) == 1 }

    /// What ALPN has chosen; nil: the two did not speak of it.
    public var alpn: HTTPVersion? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &count)
        switch unsafe UnsafeBufferPointer(start: name, count: Int(count)) {
        case let chosen where unsafe chosen.elementsEqual("h2".utf8): return .http2
        case let chosen where unsafe chosen.elementsEqual("http/1.1".utf8): return .http11
        default: return nil
        }
    }

    /// The host that the client has asked for (SNI), as it wrote it.
    public var serverName: String? {
        unsafe SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { unsafe String(cString: $0) }
    }

    public var version: TLSVersion? { unsafe TLSVersion(rawValue: SSL_version(ssl)) }
    /// Its name as OpenSSL spells it.
    public var cipher: String {
        unsafe SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { unsafe String(cString: $0) } ?? ""
    }
    /// An earlier session was gone on with.
    public var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// The subject of the certificate that the peer has shown, as RFC 2253 writes it.
    public var peerSubject: String? {
        guard let certificate = unsafe SSL_get1_peer_certificate(ssl) else { return nil }
        return unsafe Certificate(certificate).subject
    }
}
