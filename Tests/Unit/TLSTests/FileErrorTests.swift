import Testing

@testable import TLS

/// Every error names the file, and what is wrong with it.
@Suite struct FileErrorTests {
    private func error(_ certificate: String, _ key: String, passphrase: String? = nil, clientCA: String? = nil) -> String {
        let files = CertificateFiles(
            certificate: TestCertificates.path(certificate), key: TestCertificates.path(key), passphrase: passphrase)
        do throws(TLSError) {
            _ = try TLSAcceptor(
                certificates: [files], clientCA: clientCA.map(TestCertificates.path), tickets: try TicketKeys())
            return ""
        } catch {
            return error.description.replacing(TestCertificates.directory + "/", with: "")
        }
    }

    @Test func certificates() {
        #expect(error("gone.pem", "shop.key") == "gone.pem: cannot be read: No such file or directory")
        #expect(error("empty.pem", "shop.key") == "empty.pem: is empty")
        #expect(error("text.pem", "shop.key") == "text.pem: is not PEM: no certificate is in it")
        #expect(error("der.pem", "shop.key") == "der.pem: is DER, where PEM is due: openssl can convert it")
        #expect(error("shop.key", "shop.key") == "shop.key: holds a private key, where a certificate is due")
        #expect(error("broken.pem", "shop.key").hasPrefix("broken.pem: a certificate in it is broken: "))
        #expect(error("weak.pem", "weak.key") == "weak.pem: the certificate is refused: ee key too small")
        #expect(error(".", "shop.key") == ".: cannot be read: Is a directory")
    }

    @Test func keys() {
        #expect(error("shop.pem", "gone.key") == "gone.key: cannot be read: No such file or directory")
        #expect(error("shop.pem", "shop.pem") == "shop.pem: holds a certificate, where a private key is due")
        #expect(error("shop.pem", "text.pem") == "text.pem: is not PEM: no private key is in it")
        #expect(error("shop.pem", "admin.key") == "admin.key: the key does not match the certificate in shop.pem")
        #expect(error("shop.pem", "rsa.key") == "rsa.key: the key does not match the certificate in shop.pem")
        #expect(error("shop.pem", "locked.key") == "locked.key: the key is encrypted, and there is no passphrase")
        #expect(error("shop.pem", "locked.key", passphrase: "wrong") == "locked.key: the passphrase does not open the key")
        #expect(error("shop.pem", "locked.key", passphrase: "secret") == "")
        #expect(error("both.pem", "both.pem") == "")
    }

    @Test func authorities() {
        #expect(error("shop.pem", "shop.key", clientCA: "gone.pem") == "gone.pem: cannot be read: No such file or directory")
        #expect(
            error("shop.pem", "shop.key", clientCA: "shop.key")
                == "shop.key: holds a private key, where a certificate is due")
        #expect(throws: TLSError.self) { try TLSConnector(trust: .file(TestCertificates.path("text.pem"))) }
    }

    @Test func expiredCertificatesWarn() throws {
        let warnings = try acceptor("shop", "expired").warnings
        #expect(warnings.count == 1)
        #expect(warnings[0].hasPrefix("\(TestCertificates.path("expired.pem")): the certificate has expired on 20"))
        #expect(throws: TLSError.self) { try TLSAcceptor(certificates: [], tickets: TicketKeys()) }
    }

    @Test(arguments: ["", "a b", "[::1", "a\u{0}b", String(repeating: "a", count: 254), "\u{fc}.example"])
    func hostNames(host: String) throws {
        let connector = try TLSConnector(trust: .all)
        if host == "[::1" {
            #expect(try connector.destination(host).isAddress == false)
        } else {
            #expect(throws: TLSError.self) { try connector.destination(host) }
        }
    }
}
