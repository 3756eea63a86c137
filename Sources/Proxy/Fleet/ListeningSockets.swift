import CShim
import Configuration
import EventLoop
import Glibc

/// The sockets on which clients connect. They outlive the workers: a reload, a crash or an upgrade loses no connection that
/// waits to be accepted.
public struct ListeningSockets: Sendable {
    /// An address cannot be listened on.
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    struct Listener: Sendable {
        /// What it is called between processes and plans.
        var name: String
        /// As really bound.
        var address: String
        var path: String?
        /// One a worker, so that the kernel spreads the connections; or a single one that they share.
        var descriptors: [Int32]
        var isShared: Bool
    }

    private(set) var listeners: [Listener] = []

    /// Where clients connect, as really bound.
    public var addresses: [String] { listeners.map(\.address) }

    /// Every socket under the name by which `open` finds it again in another process.
    public var named: [NamedDescriptor] {
        listeners.flatMap { listener in
            listener.descriptors.map { NamedDescriptor(name: listener.name, descriptor: $0) }
        }
    }

    public init() {}

    /// Sockets for the addresses, in their order: those of `earlier` and of `inherited` that fit are taken over, the others
    /// are bound. On failure nothing has changed.
    public static func open(
        _ addresses: [Address], workers: Int, earlier: ListeningSockets = ListeningSockets(),
        inherited: inout [NamedDescriptor]
    ) throws(Failure) -> ListeningSockets {
        var sockets = ListeningSockets()
        var unclaimed = inherited
        do throws(Failure) {
            for address in addresses {
                // Port 0 may stand more than once.
                let name = "listener \(sockets.listeners.count { $0.name.hasSuffix(" \(address)") }) \(address)"
                let known = earlier.listeners.first { $0.name == name }
                sockets.listeners.append(
                    try open(address, name, workers, known ?? claim(name, address, from: &unclaimed), before: earlier))
            }
        } catch {
            sockets.closeAll(except: earlier.descriptors.union(inherited.map(\.descriptor)))
            throw error
        }
        inherited = unclaimed
        return sockets
    }

    /// Closes what is not in `others`, and removes the files of Unix sockets that are gone, unless another process has them.
    public func close(except others: ListeningSockets = ListeningSockets(), removingFiles: Bool = true) {
        closeAll(except: others.descriptors)
        guard removingFiles else { return }
        let kept = Set(others.listeners.compactMap(\.path))
        for path in listeners.compactMap(\.path) where !kept.contains(path) { unlink(path) }
    }

    /// For each of these listeners its place among those of `others`, -1 when it is not there.
    func places(in others: ListeningSockets) -> [Int] {
        listeners.map { listener in others.listeners.firstIndex { $0.name == listener.name } ?? -1 }
    }

    private var descriptors: Set<Int32> { Set(listeners.flatMap(\.descriptors)) }

    private func closeAll(except kept: Set<Int32>) {
        for descriptor in descriptors.subtracting(kept) { _ = so_close(descriptor) }
    }

    // MARK: One listener

    private static func open(
        _ address: Address, _ name: String, _ workers: Int, _ known: Listener?, before earlier: ListeningSockets
    ) throws(Failure) -> Listener {
        var target: SocketAddress
        do throws(Plan.ResolveError) {
            target = try Plan.resolve(address)
        } catch {
            throw Failure(description: "cannot listen on \(error)")
        }
        var listener = known ?? Listener(name: name, address: "", path: nil, descriptors: [], isShared: target.isUnix)
        if case .unix(let path) = address {
            listener.path = path
            if known == nil { try removeStaleSocket(path, target) }
        }
        // Port 0: the others join the port that the first was given.
        if let first = listener.descriptors.first { _ = so_local_address(first, &target.storage) }
        let before = listener.descriptors.count
        while listener.descriptors.count < (listener.isShared ? 1 : workers) {
            let descriptor = listen(target)
            guard descriptor >= 0 else {
                // The first is a service manager's, whose user is another: then all have it together.
                if before > 0 {
                    listener.isShared = true
                    break
                }
                for open in listener.descriptors[before...] { _ = so_close(open) }
                throw Failure(description: "cannot listen on \(address): \(String(cString: strerror(-descriptor)))")
            }
            if listener.descriptors.isEmpty { _ = so_local_address(descriptor, &target.storage) }
            listener.descriptors.append(descriptor)
        }
        listener.address = target.description
        return listener
    }

    private static func listen(_ address: SocketAddress) -> Int32 {
        let fd = so_socket(Int32(address.storage.ss_family))
        guard fd >= 0 else { return fd }
        var storage = address.storage
        if !address.isUnix {
            _ = so_reuse_port(fd)
            _ = so_no_delay(fd)
        }
        var result = so_bind(fd, &storage, address.length)
        if result >= 0 { result = so_listen(fd, Fleet.backlog) }
        guard result >= 0 else {
            _ = so_close(fd)
            return result
        }
        return fd
    }

    /// A socket file that nobody listens on any more would only be in the way.
    private static func removeStaleSocket(_ path: String, _ address: SocketAddress) throws(Failure) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw Failure(description: "cannot listen on unix:\(path): the file exists and is no socket")
        }
        let fd = so_socket(AF_UNIX)
        defer { if fd >= 0 { _ = so_close(fd) } }
        var storage = address.storage
        if so_connect(fd, &storage, address.length) == -ECONNREFUSED { unlink(path) }
    }

    // MARK: Sockets from outside

    /// Those that were given to this process for an address: by its own name from an earlier process of ours, by where they
    /// are bound from a service manager.
    private static func claim(_ name: String, _ address: Address, from inherited: inout [NamedDescriptor]) -> Listener? {
        var bound: Set<String> = []
        if let target = try? Plan.resolve(address) { bound.insert(target.description) }
        // Service managers bind a port alone to every address of IPv6, and so of IPv4.
        if case .tcp("", let port) = address { bound.insert("[::]:\(port)") }
        let claimed = inherited.filter { socket in
            if socket.isOurs { return socket.name == name }
            var storage = sockaddr_storage()
            return so_local_address(socket.descriptor, &storage) >= 0 && bound.contains(SocketAddress(storage).description)
        }
        guard let first = claimed.first else { return nil }
        inherited.removeAll { socket in claimed.contains { $0.descriptor == socket.descriptor } }
        var path: String?
        // A service manager's socket file is its own to remove.
        if first.isOurs, case .unix(let file) = address { path = file }
        return Listener(
            name: name, address: "", path: path, descriptors: claimed.map(\.descriptor),
            isShared: so_shares_port(first.descriptor) == 0)
    }
}

/// A descriptor that one process leaves to the next, and what it is for.
public struct NamedDescriptor: Sendable {
    public var name: String
    public var descriptor: Int32
    /// Named by a process of ours, not by a service manager.
    public var isOurs: Bool

    public init(name: String, descriptor: Int32, isOurs: Bool = true) {
        self.name = name
        self.descriptor = descriptor
        self.isOurs = isOurs
    }
}
