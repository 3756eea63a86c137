import Configuration
import TLS
import Wire

/// Everything of TLS that settings name, read from its files: made anew at each load, so that a reload takes new certificates.
public struct TLSFiles: Sendable {
    /// What ALPN may agree on with clients, as far as the listener's `protocols` have it.
    static let spoken: [HTTPVersion] = [.http2, .http11]

    /// One a listener, nil for cleartext.
    let acceptors: [TLSAcceptor?]
    /// By the upstream's name, one a server.
    let destinations: [String: [TLSDestination]]
    /// What works, and should be mended. Each names its file.
    public let warnings: [String]

    /// Throws every problem, each at the key that names the file.
    public init(_ settings: Settings) throws(Problems) {
        var reading = TLSReading(settings)
        acceptors = settings.listeners.enumerated().map { reading.acceptor($1, place: ["listeners", "\($0)", "tls"]) }
        var destinations: [String: [TLSDestination]] = [:]
        for upstream in settings.upstreams where upstream.tls != nil {
            destinations[upstream.name] = reading.destinations(upstream, place: ["upstreams", upstream.name])
        }
        self.destinations = destinations
        warnings = reading.warnings
        if let problems = Problems(reading.problems) { throw problems }
    }
}

/// The reading itself: goes on after a problem, to find the others.
private struct TLSReading {
    let settings: Settings
    var problems: [Problem] = []
    var warnings: [String] = []

    init(_ settings: Settings) { self.settings = settings }

    mutating func acceptor(_ listener: Settings.Listener, place: [String]) -> TLSAcceptor? {
        guard let tls = listener.tls else { return nil }
        do throws(TLSError) {
            let acceptor = try make(tls.choices, tls.clientCA, listener.protocols)
            warnings += acceptor.warnings
            return acceptor
        } catch {
            // The first problem hides those of the other certificates.
            let before = problems.count
            for (i, choice) in tls.choices.enumerated() {
                let place = tls.isList ? place + ["certificates", "\(i)"] : place
                do throws(TLSError) {
                    _ = try make([choice], nil, listener.protocols)
                } catch {
                    note(error, [(choice.certificate, "certificate"), (choice.key, "key")], place)
                }
            }
            if problems.count == before { note(error, [(tls.clientCA, "client_ca")], place) }
            return nil
        }
    }

    private func make(
        _ choices: [Settings.Listener.TLS.Certificate], _ clientCA: String?, _ protocols: [Settings.HTTPFamily]
    ) throws(TLSError) -> TLSAcceptor {
        try TLSAcceptor(
            certificates: choices.map { CertificateFiles(certificate: $0.certificate, key: $0.key) }, clientCA: clientCA,
            protocols: TLSFiles.spoken.filter { protocols.contains($0 == .http2 ? .http2 : .http1) },
            tickets: try SharedTickets.keys.get())
    }

    mutating func destinations(_ upstream: Settings.Upstream, place: [String]) -> [TLSDestination]? {
        guard let tls = upstream.tls else { return nil }
        let connector: TLSConnector
        do throws(TLSError) {
            connector = try TLSConnector(
                trust: tls.ca.map { .file($0) } ?? .system, protocols: [UpstreamProtocol(upstream.protocol).version])
        } catch {
            note(error, [(tls.ca, "ca")], place + ["tls"])
            return nil
        }
        warnings += connector.warnings
        var made: [TLSDestination] = []
        for (i, server) in upstream.servers.enumerated() {
            do throws(TLSError) {
                made.append(try connector.destination(tls.serverName ?? server.address.hostForTLS))
            } catch {
                let isNamed = tls.serverName != nil
                let message = isNamed ? "\(error)" : "a server on a Unix socket needs 'server_name' in the upstream's 'tls'"
                let key = isNamed ? ["tls", "server_name"] : ["servers", "\(i)", "address"]
                problems.append(settings.problem(message, at: place + key))
            }
        }
        return made.count == upstream.servers.count ? made : nil
    }

    /// Notes the error at the key whose file it names.
    private mutating func note(_ error: TLSError, _ keys: [(file: String?, key: String)], _ place: [String]) {
        let key = keys.first { $0.file != nil && $0.file == error.file }?.key
        let hidden = keys.contains { $0.file.map(error.description.contains) ?? false && settings.isSecret(place + [$0.key]) }
        let message = hidden ? "the file cannot be used; its name is secret" : error.description
        problems.append(settings.problem(message, at: place + (key.map { [$0] } ?? [])))
    }
}

/// The keys of session tickets: the same for every listener, worker and plan of the process, so that clients go on with
/// their sessions across a reload.
private enum SharedTickets {
    static let keys: Result<TicketKeys, TLSError> = Result { () throws(TLSError) in try TicketKeys() }
}

extension Address {
    /// The name that a server's certificate is for when nothing else is said; empty for a Unix socket.
    fileprivate var hostForTLS: String {
        if case .tcp(let host, _) = self { host } else { "" }
    }
}

extension Plan {
    func acceptor(_ listener: Int) -> TLSAcceptor? { acceptors.indices.contains(listener) ? acceptors[listener] : nil }

    var usesTLS: Bool {
        acceptors.contains { $0 != nil } || upstreams.contains { $0.servers.contains { $0.tls != nil } }
    }
}
