import CShim
import Configuration
import Detector
import Glibc
import Logging
import Proxy

/// The proxy as the gate runs it: it looks, and changes nothing. Every connection to the server serves one exchange and is listened to,
/// so that each late byte is its own request's; no time limit is in the way of a slow test.
enum GateProxy {
    /// How long a server may take to listen: it may have to be built.
    static let startNanosecondsMax: UInt64 = 300_000_000_000
    private static let dayMilliseconds = 24 * 3_600_000

    static func service(listen: String, upstream: String, incidents: String) throws -> Service {
        LoggingSystem.bootstrap { _ in LogLine(logLevel: .error, format: .text) }
        var settings = try ConfigurationFile.settings(
            Overrides(listen: [listen], upstreams: [upstream], admin: "off", incidents: incidents, workers: "1"))
        settings.incidents.limit.burst = 1_000_000
        settings.incidents.limit.perSecond = 1_000_000
        settings.incidents.rotate.sizeBytes = 1 << 40
        settings.timeouts.clientBodyMilliseconds = dayMilliseconds
        settings.timeouts.clientIdleMilliseconds = dayMilliseconds
        for index in settings.upstreams.indices {
            settings.upstreams[index].connections.reuse = .never
            settings.upstreams[index].connections.max = 100_000
            settings.upstreams[index].timeouts.responseHeaderMilliseconds = dayMilliseconds
            settings.upstreams[index].timeouts.bodyIdleMilliseconds = dayMilliseconds
        }
        for index in settings.routes.indices { settings.routes[index].onViolation = .observe }
        return try Service(settings, log: Logger(label: "sendonce"))
    }

    /// Where the tests find the proxy.
    static func url(_ service: Service) -> String {
        let address = service.addresses.first ?? ""
        for wildcard in ["0.0.0.0:", "[::]:"] where address.hasPrefix(wildcard) {
            return "http://127.0.0.1:\(address.dropFirst(wildcard.count))"
        }
        return address.hasPrefix("unix:") ? address : "http://\(address)"
    }

    /// Where somebody listens on a port of this machine: a Node server may have IPv4 only, IPv6 only or both.
    static func listening(port: UInt16) -> String? {
        ["127.0.0.1", "::1"].first { connects($0, port) }.map { "\(Address.tcp(host: $0, port: port))" }
    }

    private static func connects(_ host: String, _ port: UInt16) -> Bool {
        var storage = sockaddr_storage()
        guard so_numeric_address(host, port, &storage) == 0 else { return false }
        let descriptor = so_socket(Int32(storage.ss_family))
        guard descriptor >= 0 else { return false }
        defer { _ = so_close(descriptor) }
        let result = so_connect(descriptor, &storage, so_address_length(&storage))
        guard result == -EINPROGRESS else { return result == 0 }
        var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&waited, 1, 1000) > 0 && so_take_error(descriptor) == 0
    }
}
