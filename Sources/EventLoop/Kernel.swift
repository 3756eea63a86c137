import CShim
import Glibc

/// The system calls of the event loop, each returning its result or a negative errno.
///
/// The seam for simulation: with an override, the same proxy runs on simulated sockets and a simulated clock. Without
/// one (production) the price is a branch that is never taken.
public struct Kernel {
    @usableFromInline let simulated: SimulatedKernel?

    public init(simulated: SimulatedKernel? = nil) { self.simulated = simulated }

    @inlinable public func recv(_ fd: Int32, _ p: UnsafeMutableRawPointer, _ count: Int) -> Int {
        if let simulated { return unsafe simulated.recv(fd, p, count, peek: false) }
        return unsafe so_recv(fd, p, count, 0)
    }

    /// Looks at what has arrived without taking it.
    @inlinable public func peek(_ fd: Int32, _ p: UnsafeMutableRawPointer, _ count: Int) -> Int {
        if let simulated { return unsafe simulated.recv(fd, p, count, peek: true) }
        return unsafe so_recv(fd, p, count, Int32(truncatingIfNeeded: Int(MSG_PEEK)))
    }

    @inlinable public func send(_ fd: Int32, _ p: UnsafeRawPointer, _ count: Int) -> Int {
        if let simulated {
            var one = unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: p), iov_len: count)
            return unsafe withUnsafeMutablePointer(to: &one) { unsafe simulated.sendv(fd, $0, 1) }
        }
        return unsafe so_send(fd, p, count)
    }

    @inlinable public func sendv(_ fd: Int32, _ vectors: UnsafeMutablePointer<iovec>, _ count: Int) -> Int {
        if let simulated { return unsafe simulated.sendv(fd, vectors, count) }
        return unsafe so_sendv(fd, vectors, Int32(truncatingIfNeeded: count))
    }

    /// A pipe for `splice`, as large as asked for where that can be had: 0 with its read end and its write end, or -errno.
    public func pipe(_ ends: UnsafeMutablePointer<Int32>, bytes: Int) -> Int32 {
        if let simulated { return unsafe simulated.pipe(ends, bytes: bytes) }
        return unsafe so_pipe(ends, Int32(truncatingIfNeeded: bytes))
    }

    /// Moves bytes from a socket into a pipe, or from a pipe into a socket: how many, 0 at the end of the socket's stream, or -errno.
    public func splice(from: Int32, to: Int32, _ count: Int) -> Int {
        if let simulated { return simulated.splice(from: from, to: to, count) }
        return so_splice(from, to, count)
    }

    public func accept(_ fd: Int32, _ address: UnsafeMutablePointer<sockaddr_storage>) -> Int32 {
        if let simulated { return unsafe simulated.accept(fd, address) }
        return unsafe so_accept(fd, address)
    }

    /// A new non-blocking socket that has begun to connect: its descriptor, or -errno. `isConnected` when done at once.
    public func connect(_ address: borrowing SocketAddress, isConnected: inout Bool) -> Int32 {
        if let simulated { return simulated.connect(address, isConnected: &isConnected) }
        let fd = so_socket(Int32(address.storage.ss_family))
        if fd < 0 { return fd }
        if Int32(address.storage.ss_family) != AF_UNIX { _ = so_no_delay(fd) }
        var storage = address.storage
        let result = unsafe so_connect(fd, &storage, address.length)
        isConnected = result == 0
        if result == 0 || result == -EINPROGRESS { return fd }
        _ = so_close(fd)
        return result
    }

    /// Whether this machine has a way to an address. Sends nothing: the kernel only looks for a route.
    public func hasRoute(to address: borrowing SocketAddress) -> Bool {
        if let simulated { return simulated.hasRoute(to: address) }
        let fd = Glibc.socket(
            Int32(address.storage.ss_family), Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard fd >= 0 else { return false }
        var storage = address.storage
        defer { _ = so_close(fd) }
        return unsafe so_connect(fd, &storage, address.length) == 0
    }

    /// Sends small writes at once (TCP_NODELAY), on all that this socket accepts: every write of the proxy is already gathered.
    public func noDelay(_ fd: Int32) {
        if simulated == nil { _ = so_no_delay(fd) }
    }

    /// The error that connecting or a reset left on the socket: 0 or a positive errno.
    public func takeError(_ fd: Int32) -> Int32 {
        if let simulated { return simulated.takeError(fd) }
        return so_take_error(fd)
    }

    public func close(_ fd: Int32) {
        if let simulated { return simulated.close(fd, reset: false) }
        // A close that fails with EBADF is our bug, and would close somebody else's descriptor another time.
        precondition(so_close(fd) != -EBADF, "closed a descriptor twice")
    }

    /// Closes with RST, so that the peer sees that its message was cut.
    public func reset(_ fd: Int32) {
        if let simulated { return simulated.close(fd, reset: true) }
        _ = so_reset_on_close(fd)
        close(fd)
    }

    public func shutdownWrite(_ fd: Int32) {
        if let simulated { return simulated.shutdownWrite(fd) }
        _ = so_shutdown_write(fd)
    }

    /// Bytes sent on the socket that its peer's kernel has not acknowledged yet.
    @inlinable public func unacknowledged(_ fd: Int32) -> Int32 {
        if let simulated { return simulated.unacknowledged(fd) }
        return so_unacknowledged(fd)
    }

    /// Bytes that the peer's kernel has acknowledged on this connection (TCP only), SYN not counted; negative errno otherwise.
    public func bytesAcknowledged(_ fd: Int32) -> Int64 {
        if let simulated { return simulated.bytesAcknowledged(fd) }
        let acknowledged = so_bytes_acknowledged(fd)
        return acknowledged > 0 ? acknowledged - 1 : acknowledged
    }

    public func register(_ poll: Int32, _ fd: Int32, tag: UInt64, edge: Bool) -> Int32 {
        if let simulated { return simulated.register(fd, tag: tag) }
        return so_epoll_add(poll, fd, tag, edge ? 1 : 0)
    }

    public func unregister(_ poll: Int32, _ fd: Int32) {
        if let simulated { return simulated.unregister(fd) }
        _ = so_epoll_remove(poll, fd)
    }

    @inlinable public func wait(_ poll: Int32, _ events: UnsafeMutablePointer<so_event>, _ capacity: Int, milliseconds: Int)
        -> Int
    {
        if let simulated { return unsafe simulated.wait(events, capacity, milliseconds: milliseconds) }
        return unsafe Int(so_epoll_wait(poll, events, Int32(capacity), Int32(truncatingIfNeeded: milliseconds)))
    }

    /// Waits until something is to be said of one of these descriptors, at most so long (-1: until then). Negative ones are passed over.
    /// How many there are of which that is so, or -errno.
    public func poll(_ entries: UnsafeMutablePointer<pollfd>, _ count: Int, milliseconds: Int32) -> Int {
        if let simulated { return unsafe simulated.poll(entries, count, milliseconds: Int(milliseconds)) }
        let result = unsafe Glibc.poll(entries, nfds_t(count), milliseconds)
        return result < 0 ? -Int(errno) : Int(result)
    }

    /// Nanoseconds on a clock that never goes back.
    @inlinable public func now() -> UInt64 {
        if let simulated { return simulated.now() }
        return so_monotonic_ns()
    }

    /// Nanoseconds since the Unix epoch.
    public func wallClock() -> UInt64 {
        if let simulated { return simulated.wallClock() }
        return so_realtime_ns()
    }

    /// Whether a call has failed for want of descriptors or memory: that is nobody's fault but our own.
    public static func isOutOfResources(_ result: Int32) -> Bool {
        result == -EMFILE || result == -ENFILE || result == -ENOMEM || result == -ENOBUFS
    }
}

/// Stands in for the kernel in tests: subclass it and answer each call as a kernel would, negative errno for errors.
open class SimulatedKernel {
    public init() {}
    open func recv(_ fd: Int32, _ p: UnsafeMutableRawPointer, _ count: Int, peek: Bool) -> Int { Int(-ENOSYS) }
    open func sendv(_ fd: Int32, _ vectors: UnsafeMutablePointer<iovec>, _ count: Int) -> Int { Int(-ENOSYS) }
    open func pipe(_ ends: UnsafeMutablePointer<Int32>, bytes: Int) -> Int32 { -ENOSYS }
    open func splice(from: Int32, to: Int32, _ count: Int) -> Int { Int(-ENOSYS) }
    open func accept(_ fd: Int32, _ address: UnsafeMutablePointer<sockaddr_storage>) -> Int32 { -ENOSYS }
    open func connect(_ address: borrowing SocketAddress, isConnected: inout Bool) -> Int32 { -ENOSYS }
    open func hasRoute(to address: borrowing SocketAddress) -> Bool { true }
    open func takeError(_ fd: Int32) -> Int32 { 0 }
    open func close(_ fd: Int32, reset: Bool) {}
    open func shutdownWrite(_ fd: Int32) {}
    open func unacknowledged(_ fd: Int32) -> Int32 { 0 }
    open func bytesAcknowledged(_ fd: Int32) -> Int64 { Int64(-ENOSYS) }
    open func register(_ fd: Int32, tag: UInt64) -> Int32 { 0 }
    open func unregister(_ fd: Int32) {}
    open func wait(_ events: UnsafeMutablePointer<so_event>, _ capacity: Int, milliseconds: Int) -> Int { 0 }
    open func poll(_ entries: UnsafeMutablePointer<pollfd>, _ count: Int, milliseconds: Int) -> Int { Int(-ENOSYS) }
    open func now() -> UInt64 { 0 }
    open func wallClock() -> UInt64 { now() }
}
