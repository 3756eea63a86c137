/// A certificate chain and its private key, as PEM files.
public struct CertificateFiles: Sendable, Equatable {
    /// The certificate first, then the intermediate ones.
    public var certificate: String
    /// May be the same file.
    public var key: String
    /// For an encrypted key.
    public var passphrase: String?

    public init(certificate: String, key: String, passphrase: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.passphrase = passphrase
    }
}
