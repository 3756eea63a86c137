/// Where the workers' shared facts about one server stand. It outlives the plan: a reload that names the server again goes
/// on with its connections' count, its quarantine and its failures.
final class ServerFacts: @unchecked Sendable {
    let upstream: String
    let server: String
    let shared: UnsafeMutablePointer<SharedServer>
    /// Nil for a server that is given by its address.
    let addresses: AddressTable?

    init(upstream: String, _ server: Plan.Server) {
        self.upstream = upstream
        self.server = server.name
        addresses = server.named.map { AddressTable($0.addresses) }
        shared = .allocate(capacity: 1)
        shared.initialize(to: SharedServer())
    }

    deinit { shared.deallocate() }
}

/// What is counted over all workers and plans of the process.
final class SharedCounts: @unchecked Sendable {
    let connectionNumber: UnsafeMutablePointer<UInt64>
    let clients: UnsafeMutablePointer<UInt64>

    init() {
        connectionNumber = .allocate(capacity: 2)
        connectionNumber.initialize(repeating: 0, count: 2)
        clients = connectionNumber + 1
    }

    deinit { connectionNumber.deallocate() }
}
