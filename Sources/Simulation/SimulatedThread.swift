import CShim
import EventLoop
import Glibc

/// One of several threads that have a kernel in common: its epoll instance is its own, everything else the network's.
public final class SimulatedThread: SimulatedKernel {
    private let network: SimulatedNetwork
    private let place: Int
    /// Sees what the thread does with sockets.
    public weak var observer: SimulatedThreadObserver?

    init(_ network: SimulatedNetwork, poll: Int) {
        self.network = network
        place = poll
    }

    /// It has ended: nobody waits for it any more.
    public func end() { network.endThread(place) }

    public override func wait(_ events: UnsafeMutablePointer<so_event>, _ capacity: Int, milliseconds: Int) -> Int {
        network.wait(events, capacity, milliseconds: milliseconds, poll: place)
    }

    public override func poll(_ entries: UnsafeMutablePointer<pollfd>, _ count: Int, milliseconds: Int) -> Int {
        network.poll(entries, count, milliseconds: milliseconds, poll: place)
    }

    public override func register(_ fd: Int32, tag: UInt64) -> Int32 { network.register(fd, tag: tag, poll: place) }

    // MARK: In common

    public override func now() -> UInt64 { network.now() }
    public override func wallClock() -> UInt64 { network.wallClock() }
    public override func recv(_ fd: Int32, _ p: UnsafeMutableRawPointer, _ count: Int, peek: Bool) -> Int {
        let result = network.recv(fd, p, count, peek: peek)
        if !peek, result >= 0 { observer?.hasRead(fd, result) }
        noteFailure(fd, result)
        return result
    }
    public override func sendv(_ fd: Int32, _ vectors: UnsafeMutablePointer<iovec>, _ count: Int) -> Int {
        let result = network.sendv(fd, vectors, count)
        noteFailure(fd, result)
        return result
    }
    public override func pipe(_ ends: UnsafeMutablePointer<Int32>, bytes: Int) -> Int32 { network.pipe(ends, bytes: bytes) }
    public override func splice(from: Int32, to: Int32, _ count: Int) -> Int { network.splice(from: from, to: to, count) }
    public override func accept(_ fd: Int32, _ address: UnsafeMutablePointer<sockaddr_storage>) -> Int32 {
        network.accept(fd, address)
    }
    public override func connect(_ address: borrowing SocketAddress, isConnected: inout Bool) -> Int32 {
        observer?.willConnect(address.description)
        let result = network.connect(address, isConnected: &isConnected)
        observer?.hasConnected(result)
        return result
    }
    public override func hasRoute(to address: borrowing SocketAddress) -> Bool { network.hasRoute(to: address) }
    public override func takeError(_ fd: Int32) -> Int32 {
        let error = network.takeError(fd)
        noteFailure(fd, -Int(error))
        return error
    }

    private func noteFailure(_ fd: Int32, _ result: Int) {
        if result < 0, result != -Int(EAGAIN) { observer?.hasFailed(fd, Int32(-result)) }
    }

    public override func close(_ fd: Int32, reset: Bool) {
        network.close(fd, reset: reset)
        observer?.hasClosed(fd)
    }
    public override func shutdownWrite(_ fd: Int32) { network.shutdownWrite(fd) }
    public override func unacknowledged(_ fd: Int32) -> Int32 { network.unacknowledged(fd) }
    public override func bytesAcknowledged(_ fd: Int32) -> Int64 { network.bytesAcknowledged(fd) }
    public override func unregister(_ fd: Int32) { network.unregister(fd) }
}
