import Configuration
import Proxy

/// What a process that runs the proxy has from the one that started it.
struct Inheritance {
    var sockets: [NamedDescriptor] = []
    /// Crashes before this process.
    var restarts: UInt64 = 0
    var supervisor: SupervisorLink?

    static func adminName(_ address: Address) -> String { "admin \(address)" }

    /// The admin endpoint's socket, when there is one for this address.
    mutating func takeAdmin(_ address: Address) -> Int32? {
        guard let place = sockets.firstIndex(where: { $0.isOurs && $0.name == Self.adminName(address) }) else { return nil }
        return sockets.remove(at: place).descriptor
    }
}
