extension Settings.Listener {
    /// The certificates of a listener and whom it asks for one.
    public struct TLS: Sendable, Equatable {
        /// A certificate chain and its private key, as PEM files.
        public struct Certificate: Sendable, Equatable {
            public var certificate = ""
            public var key = ""

            static let section = Section(
                "listeners[].tls.certificates[]", Self(),
                keys: [
                    Key("certificate", \.certificate, .file, required: true, "PEM file with the certificate chain"),
                    Key("key", \.key, .file, required: true, "PEM file with its private key"),
                ])
        }

        var certificate: String?
        var key: String?
        var certificates: [Certificate] = []
        /// PEM file with the authorities of clients' certificates; nil: clients are not asked for one.
        public var clientCA: String?

        /// The certificates to choose from by SNI, the first one for clients that name no known host. Never empty.
        public var choices: [Certificate] {
            guard let certificate, let key else { return certificates }
            return [Certificate(certificate: certificate, key: key)]
        }

        static let section = Section(
            "listeners[].tls", Self(),
            keys: [
                Key("certificate", \.certificate, .optional(.file), "PEM file with the certificate chain"),
                Key("key", \.key, .optional(.file), "PEM file with its private key"),
                Key(
                    "certificates", \.certificates, .sections(Certificate.section), default: "`[]`",
                    "several pairs, chosen by SNI, instead of `certificate` and `key`; the first serves unknown names"),
                Key(
                    "client_ca", \.clientCA, .optional(.file),
                    "PEM file with the authorities of clients' certificates; with it clients must present one"),
            ],
            check: { tls, node, decoder in
                let pair = [decoder.mark(of: "certificate"), decoder.mark(of: "key")]
                let list = decoder.mark(of: "certificates")
                switch (pair[0], pair[1], list) {
                case (nil, nil, nil): decoder.fail("tls needs 'certificate' and 'key', or 'certificates'", at: node.mark)
                case (nil, nil, _?):
                    if tls.certificates.isEmpty { decoder.fail("tls needs at least one certificate", at: list) }
                case (_, _, let list?): decoder.fail("'certificates' stands instead of 'certificate' and 'key'", at: list)
                case (let mark?, nil, nil): decoder.fail("'certificate' needs its 'key'", at: mark)
                case (nil, let mark?, nil): decoder.fail("'key' needs its 'certificate'", at: mark)
                case (let mark?, _?, nil):
                    if (tls.certificate == nil) != (tls.key == nil) {
                        decoder.fail("'certificate' and 'key' need each other", at: mark)
                    } else if tls.certificate == nil {
                        decoder.fail("tls needs a certificate (leave out 'tls' for cleartext)", at: mark)
                    }
                }
            })
    }
}
