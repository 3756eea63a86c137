import CShim
import Configuration
import EventLoop
import Glibc
import Logging
import Report
import Synchronization

/// All workers of one plan: their listening sockets, their threads, their end.
public final class Fleet: Sendable {
    /// The proxy cannot be started.
    public struct StartError: Error, CustomStringConvertible {
        public var description: String
    }

    /// Where clients connect, as really bound.
    public let addresses: [String]
    public let world: World
    public let plan: Plan
    private let threads = Mutex<[NamedThread]>([])
    private let watch: ServerWatch?
    private let drainStarted = Atomic(false)
    private let unixPaths: [String]

    /// Binds every listener for every worker, and starts the workers.
    public init(plan: Plan, listeners: [Address], workers: Int, world: World) throws(StartError) {
        self.plan = plan
        self.world = world
        var addresses: [String] = []
        var unixPaths: [String] = []
        var sockets: [[Int32]] = Array(repeating: [], count: workers)
        var bound: [Int32] = []
        do throws(StartError) {
            for listener in listeners {
                let made = try Self.bind(listener, workers: workers)
                bound += made
                for (worker, fd) in made.enumerated() { sockets[worker].append(fd) }
                addresses.append(Self.localAddress(made[0]))
                if case .unix(let path) = listener { unixPaths.append(path) }
            }
        } catch {
            for fd in bound { _ = so_close(fd) }
            throw error
        }
        self.addresses = addresses
        self.unixPaths = unixPaths
        watch = ServerWatch(plan: plan, world: world)
        for worker in 0..<workers {
            let fds = sockets[worker]
            guard let thread = NamedThread("worker-\(worker)", { Self.run(worker, fds, plan, world) }) else {
                throw StartError(description: "cannot start a worker's thread")
            }
            threads.withLock { $0.append(thread) }
        }
    }

    /// Makes the worker in its own thread and lets it turn until it is told to stop.
    private static func run(_ number: Int, _ listeners: [Int32], _ plan: Plan, _ world: World) {
        let poll = so_epoll_create()
        var seed: UInt64 = 0
        _ = so_random(&seed, 8)
        guard poll >= 0, var worker = Worker(number: number, kernel: Kernel(), poll: poll, plan: plan, world: world, seed: seed)
        else {
            world.log.critical("a worker could not be made: no memory or descriptors")
            return
        }
        for (index, fd) in listeners.enumerated() { _ = worker.addListener(fd: fd, index: index) }
        worker.watchMailbox()
        worker.run()
        _ = so_close(poll)
    }

    /// Stops accepting; answers in progress are finished, at most until the plan's deadline. A second call changes nothing.
    public func drain() {
        guard !drainStarted.exchange(true, ordering: .relaxed) else { return }
        for mailbox in world.mailboxes { mailbox.post(.drain) }
    }

    public var isDraining: Bool { drainStarted.load(ordering: .relaxed) }

    /// Waits until every worker has ended.
    public func join() {
        for thread in threads.withLock({ $0 }) { thread.join() }
        watch?.stop()
        for path in unixPaths { unlink(path) }
    }

    // MARK: Listening sockets

    /// One descriptor a worker. On TCP each has its own socket on one port, so that the kernel spreads the connections.
    private static func bind(_ listener: Address, workers: Int) throws(StartError) -> [Int32] {
        var address: SocketAddress
        do throws(Plan.ResolveError) {
            address = try Plan.resolve(listener)
        } catch {
            throw StartError(description: "cannot listen on \(error)")
        }
        if case .unix(let path) = listener { try removeStaleSocket(path, address) }
        var fds: [Int32] = []
        for worker in 0..<workers {
            if address.isUnix, worker > 0 {
                fds.append(dup(fds[0]))
                continue
            }
            let fd = listen(address)
            guard fd >= 0 else {
                for open in fds { _ = so_close(open) }
                throw StartError(description: "cannot listen on \(listener): \(String(cString: strerror(-fd)))")
            }
            fds.append(fd)
            // Port 0: the others join the port that the first was given.
            if worker == 0 { _ = so_local_address(fd, &address.storage) }
        }
        return fds
    }

    private static func listen(_ address: SocketAddress) -> Int32 {
        let fd = so_socket(Int32(address.storage.ss_family))
        guard fd >= 0 else { return fd }
        var storage = address.storage
        if !address.isUnix { _ = so_reuse_port(fd) }
        var result = so_bind(fd, &storage, address.length)
        if result >= 0 { result = so_listen(fd, 4096) }
        guard result >= 0 else {
            _ = so_close(fd)
            return result
        }
        return fd
    }

    /// A socket file that nobody listens on any more would only be in the way.
    private static func removeStaleSocket(_ path: String, _ address: SocketAddress) throws(StartError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw StartError(description: "cannot listen on unix:\(path): the file exists and is no socket")
        }
        let fd = so_socket(AF_UNIX)
        defer { if fd >= 0 { _ = so_close(fd) } }
        var storage = address.storage
        if so_connect(fd, &storage, address.length) == -ECONNREFUSED { unlink(path) }
    }

    private static func localAddress(_ fd: Int32) -> String {
        var storage = sockaddr_storage()
        _ = so_local_address(fd, &storage)
        return SocketAddress(storage).description
    }
}
