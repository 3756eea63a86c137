import COpenSSL
import CTLS
import Glibc

/// A file with PEM blocks, read whole.
struct PEMFile {
    /// A system's whole collection of authorities is a fifth of this.
    static let bytesMax = 1 << 20

    let path: String
    let bytes: [UInt8]

    init(_ path: String) throws(TLSError) {
        self.path = path
        // A FIFO without a writer would keep a reload waiting for ever.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw Self.unreadable(path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.unreadable(path) }
        // Reading a folder has a sentence of its own.
        guard [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { throw TLSError(path, "is not a regular file") }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Self.unreadable(path) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
            guard bytes.count <= Self.bytesMax else { throw TLSError(path, "is larger than 1 MiB") }
        }
        self.bytes = bytes
    }

    private static func unreadable(_ path: String) -> TLSError {
        TLSError(path, unsafe "cannot be read: \(String(cString: strerror(errno)))")
    }

    /// All certificates of the file, in their order; at least one.
    func certificates() throws(TLSError) -> [Certificate] {
        let pem = unsafe bytes.withUnsafeBytes { raw in
            // Copied, as the BIO outlives the closure.
            let pem = unsafe BIO_new(BIO_s_mem())
            _ = unsafe BIO_write(pem, raw.baseAddress, Int32(raw.count))
            return unsafe pem
        }
        defer { unsafe BIO_free(pem) }
        var certificates: [Certificate] = []
        while let certificate = unsafe PEM_read_bio_X509(pem, nil, nil, nil) {
            unsafe certificates.append(Certificate(certificate))
        }
        // No further block is how every file ends; anything else is a block that is broken.
        let isEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
        let reason = TLSError.takeReason()
        guard isEnd else { throw TLSError(path, "a certificate in it is broken: \(reason)") }
        guard certificates.isEmpty else { return certificates }
        if holds("PRIVATE KEY-----") { throw TLSError(path, "holds a private key, where a certificate is due") }
        throw notPEM("certificate")
    }

    /// The file's first private key; the caller frees it.
    func privateKey(passphrase: String?) throws(TLSError) -> OpaquePointer {
        var encrypted: Int32 = 0
        let key = unsafe bytes.withUnsafeBufferPointer { pem in
            if let passphrase {
                return unsafe so_tls_read_key(pem.baseAddress, pem.count, passphrase, &encrypted)
            }
            return unsafe so_tls_read_key(pem.baseAddress, pem.count, nil, &encrypted)
        }
        if let key = unsafe key {
            ERR_clear_error()
            return unsafe key
        }
        let reason = TLSError.takeReason()
        guard encrypted == 0 else {
            guard passphrase == nil else { throw TLSError(path, "the passphrase does not open the key") }
            throw TLSError(path, "the key is encrypted, and there is no passphrase")
        }
        if holds("PRIVATE KEY-----") { throw TLSError(path, "the private key in it is broken: \(reason)") }
        if holds("-----BEGIN CERTIFICATE") { throw TLSError(path, "holds a certificate, where a private key is due") }
        throw notPEM("private key")
    }

    private func notPEM(_ what: String) -> TLSError {
        if bytes.isEmpty { return TLSError(path, "is empty") }
        // Every certificate and key in DER begins with a SEQUENCE.
        if bytes[0] == 0x30 { return TLSError(path, "is DER, where PEM is due: openssl can convert it") }
        return TLSError(path, "is not PEM: no \(what) is in it")
    }

    private func holds(_ text: String) -> Bool { String(decoding: bytes, as: UTF8.self).contains(text) }
}
