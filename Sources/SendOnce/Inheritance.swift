import CShim
import Configuration
import Glibc
import Proxy

/// What a process that runs the proxy has from the one that started it.
struct Inheritance {
    var sockets: [NamedDescriptor] = []
    /// Crashes before this process.
    var restarts: UInt64 = 0
    /// In the place of a worker process that has served and crashed.
    var followsCrash = false
    var supervisor: SupervisorLink?

    static func adminName(_ address: Address) -> String { "admin \(address)" }

    /// The admin endpoint's socket, when there is one for this address.
    mutating func takeAdmin(_ address: Address) -> Int32? {
        guard let place = sockets.firstIndex(where: { $0.isOurs && $0.name == Self.adminName(address) }) else { return nil }
        return sockets.remove(at: place).descriptor
    }
}

extension Inheritance {
    /// Sockets that a service manager has opened for this process (sd_listen_fds(3)).
    static func fromServiceManager() -> [NamedDescriptor] {
        func take(_ name: String) -> String? {
            defer { unsetenv(name) }
            return getenv(name).map { String(cString: $0) }
        }
        let process = take("LISTEN_PID").flatMap { Int32($0) }
        let count = take("LISTEN_FDS").flatMap { Int32($0) } ?? 0
        let names = take("LISTEN_FDNAMES")?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        guard process == getpid(), count > 0, count <= 1024 else { return [] }
        return (0..<count).map { place in
            let descriptor = 3 + place
            _ = so_close_on_exec(descriptor, 1)
            _ = so_set_nonblocking(descriptor)
            let name = names.indices.contains(Int(place)) ? String(names[Int(place)]) : "\(descriptor)"
            return NamedDescriptor(name: name, descriptor: descriptor, isOurs: false)
        }
    }
}
