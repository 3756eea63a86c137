import CShim
import Capture
import Configuration
import EventLoop
import Glibc
import Names
import Report

/// Looks for what a start with these settings would stumble over, and starts nothing. Whether a port is free is not looked at: the
/// proxy that runs may have it.
public struct StartCheck {
    public private(set) var problems: [Problem] = []
    /// What works, and should be mended.
    public private(set) var warnings: [String] = []
    private let settings: Settings

    public init(_ settings: Settings) {
        self.settings = settings
        for (number, listener) in settings.listeners.enumerated() {
            listen(on: listener.address, at: ["listeners", "\(number)", "address"])
        }
        if let address = settings.admin.address { listen(on: address, at: ["admin", "address"]) }
        findServers()
        openLogs()
        openProbeSocketAndCaptures()
        readFiles()
    }

    /// Secrets are not repeated.
    private mutating func note(_ message: String, at place: [String]) {
        problems.append(
            settings.problem(settings.isSecret(place) ? "what this secret value names cannot be used" : message, at: place))
    }

    // MARK: Addresses

    private mutating func listen(on address: Address, at place: [String]) {
        if let obstacle = Self.obstacle(to: address) { note("cannot listen on \(obstacle)", at: place) }
    }

    /// Why nobody could listen there whatever runs now; nil when one could.
    private static func obstacle(to address: Address) -> String? {
        let target: SocketAddress
        do throws(Plan.ResolveError) {
            target = try Plan.resolve(address)
        } catch {
            return "\(error)"
        }
        if case .unix(let path) = address {
            var status = stat()
            if lstat(path, &status) == 0, status.st_mode & S_IFMT != S_IFSOCK {
                return "\(address): the file exists and is no socket"
            }
            return FolderAccess.obstacle(in: FolderAccess.folder(of: path)).map { "\(address): \($0)" }
        }
        let socket = so_socket(Int32(target.storage.ss_family))
        defer { if socket >= 0 { _ = so_close(socket) } }
        var result = socket
        if result >= 0 {
            var storage = target.storage
            _ = so_reuse_port(socket)
            result = so_bind(socket, &storage, target.length)
        }
        return result >= 0 || result == -EADDRINUSE ? nil : "\(address): \(String(cString: strerror(-result)))"
    }

    private mutating func findServers() {
        let hasNames = settings.upstreams.contains { $0.servers.contains { Plan.isName($0.address) } }
        let resolver = hasNames ? NameResolver() : nil
        for upstream in settings.upstreams {
            for (number, server) in upstream.servers.enumerated() {
                // Without a port it could not be read, which has been noted.
                if case .tcp(_, 0) = server.address { continue }
                do throws(Plan.ResolveError) {
                    _ = try Plan.locate(server.address, resolver)
                } catch {
                    note("cannot resolve \(error)", at: ["upstreams", upstream.name, "servers", "\(number)", "address"])
                }
            }
        }
    }

    // MARK: Files

    private mutating func openLogs() {
        for (name, path, key) in [
            ("incident log", settings.incidents.path, "incidents"), ("access log", settings.accessLog.path, "access_log"),
        ] {
            guard let path, let obstacle = LogAccess.obstacle(to: path) else { continue }
            note("cannot open \(name) \(path): \(obstacle)", at: [key, "path"])
        }
    }

    private mutating func openProbeSocketAndCaptures() {
        if let path = settings.probe.socket { listen(on: .unix(path: path), at: ["probe", "socket"]) }
        if let path = settings.incidents.capture.path, let obstacle = CaptureStore.obstacle(to: path) {
            note("cannot open captures \(path): \(obstacle)", at: ["incidents", "capture", "path"])
        }
    }

    private mutating func readFiles() {
        do throws(Problems) { _ = try ErrorPages(settings) } catch { problems += error.all }
        do throws(Problems) { warnings += try TLSFiles(settings).warnings } catch { problems += error.all }
    }
}
