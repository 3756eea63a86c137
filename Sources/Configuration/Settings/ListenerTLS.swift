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

        /// The choices stand under `certificates`.
        public var isList: Bool { !certificates.isEmpty }

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
                let given = [("certificate", tls.certificate), ("key", tls.key)].filter { $0.1 != nil }.map(\.0)
                switch (given.count, tls.certificates.isEmpty) {
                case (0, true): decoder.fail("tls needs 'certificate' and 'key', or 'certificates'", at: node.mark)
                case (0, false), (2, true): break
                case (_, false):
                    let mark = decoder.mark(of: "certificates")
                    decoder.fail("'certificates' stands instead of 'certificate' and 'key'", at: mark)
                default:
                    let other = given[0] == "key" ? "certificate" : "key"
                    decoder.fail("'\(given[0])' needs its '\(other)'", at: decoder.mark(of: given[0]))
                }
            })
    }
}
