/// Where the workers' shared facts about one server stand. It outlives the plan: a reload that names the server again goes
/// on with its connections' count, its quarantine and its failures.
final class ServerFacts: @unchecked Sendable {
    let upstream: String
    let server: String
    let shared: UnsafeMutablePointer<SharedServer>

    init(upstream: String, server: String) {
        self.upstream = upstream
        self.server = server
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
