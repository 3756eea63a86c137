import COpenSSL

/// A certificate with its chain and its private key, read from files and found to belong together.
@safe final class TLSIdentity {
    let certificate: Certificate
    let chain: [Certificate]
    let key: OpaquePointer
    let files: CertificateFiles

    init(_ files: CertificateFiles) throws(TLSError) {
        self.files = files
        var certificates = try PEMFile(files.certificate).certificates()
        certificate = certificates.removeFirst()
        chain = certificates
        unsafe key = unsafe try PEMFile(files.key).privateKey(passphrase: files.passphrase)
        guard unsafe X509_check_private_key(certificate.pointer, key) == 1 else {
            throw TLSError(files.key, "the key does not match the certificate in \(files.certificate)")
        }
    }

    deinit { unsafe EVP_PKEY_free(key) }

    /// RSA, EC, Ed25519 ... in OpenSSL's numbers. A server can show one certificate of each for the same host.
    var keyType: Int32 { unsafe EVP_PKEY_get_base_id(key) }

    var warnings: [String] {
        certificate.trouble.map { ["\(files.certificate): \($0)"] } ?? []
    }
}
