import CShim
import EventLoop
import Glibc
import Testing

@testable import Simulation

/// What the simulated kernel answers, held against what Linux does (each was seen on a real socket first).
@Suite struct SimulatedNetworkTests {
    /// Says nothing and keeps what it hears.
    final class Listener: SimulatedPeer {
        var heard: [UInt8] = []
        var endings: [String] = []
        var whenConnected: ((Listener) -> Void)?
        override func connected() { whenConnected?(self) }
        override func received(_ bytes: [UInt8]) { heard += bytes }
        override func ended() { endings.append("end") }
        override func wasReset() { endings.append("reset") }
        override func refused(_ error: Int32) { endings.append("refused") }
    }

    /// A network with a server, and the worker's connection to it, established and registered.
    final class Pair {
        let network = SimulatedNetwork(seed: 1)
        let peer = Listener()
        var fd: Int32 = -1
        let address = SocketAddress(unixPath: "/server")!

        init(_ link: Link = Link(), whenConnected: ((Listener) -> Void)? = nil) {
            network.callNanoseconds = 0
            peer.whenConnected = whenConnected
            network.serve(address.description, .accepts { [peer] _ in (peer, link) })
            var isConnected = false
            fd = network.connect(address, isConnected: &isConnected)
            #expect(isConnected == link.isUnix)
            #expect(network.register(fd, tag: 7) == 0)
        }

        func wait(_ milliseconds: Int = 1000) -> [UInt32] {
            withUnsafeTemporaryAllocation(of: so_event.self, capacity: 8) { events in
                let count = network.wait(events.baseAddress!, 8, milliseconds: milliseconds)
                return (0..<count).map { events[$0].flags }
            }
        }

        func recv(_ count: Int = 100, peek: Bool = false) -> (Int, String) {
            var bytes = [UInt8](repeating: 0, count: count)
            let n = bytes.withUnsafeMutableBytes { network.recv(fd, $0.baseAddress!, count, peek: peek) }
            return (n, String(decoding: bytes.prefix(max(0, n)), as: UTF8.self))
        }

        func send(_ count: Int) -> Int {
            var bytes = [UInt8](repeating: 0x61, count: count)
            return bytes.withUnsafeMutableBytes { space in
                var one = iovec(iov_base: space.baseAddress, iov_len: count)
                return network.sendv(fd, &one, 1)
            }
        }
    }

    static let readable: UInt32 = 1
    static let writable: UInt32 = 4
    static let allGone: UInt32 = 0x201d

    @Test func connectingTakesTimeAndIsReported() {
        let pair = Pair()
        #expect(pair.wait(0) == [])
        #expect(pair.wait() == [Self.writable])
        #expect(pair.network.takeError(pair.fd) == 0)
        #expect(pair.wait(10) == [])
    }

    @Test func refusedConnects() {
        let network = SimulatedNetwork(seed: 1)
        let address = SocketAddress(unixPath: "/server")!
        network.serve(address.description, .refuses(error: ECONNREFUSED, link: Link()))
        var isConnected = false
        let fd = network.connect(address, isConnected: &isConnected)
        #expect(network.register(fd, tag: 1) == 0)
        var event = so_event()
        #expect(network.wait(&event, 1, milliseconds: 100) == 1)
        #expect(event.flags == Self.allGone)
        #expect(network.takeError(fd) == ECONNREFUSED)
    }

    @Test func aReadEdgeIsReportedOnceForEachArrival() {
        let pair = Pair { $0.send("hello") }
        #expect(pair.wait() == [Self.writable])
        #expect(pair.wait() == [Self.readable | Self.writable])
        #expect(pair.wait(10) == [])
        #expect(pair.recv(2) == (2, "he"))
        #expect(pair.wait(10) == [])
        pair.peer.send(" you")
        #expect(pair.wait() == [Self.readable | Self.writable])
        #expect(pair.recv(100, peek: true) == (7, "llo you"))
        #expect(pair.recv() == (7, "llo you"))
        #expect(pair.recv().0 == -Int(EAGAIN))
    }

    @Test func dataBeforeAResetCanStillBeRead() {
        let pair = Pair { peer in
            peer.send("hello")
            peer.reset()
        }
        var flags = pair.wait()
        flags += pair.wait(1)
        #expect(flags.last == Self.allGone)
        #expect(pair.recv() == (5, "hello"))
        #expect(pair.recv().0 == -Int(ECONNRESET))
        #expect(pair.recv().0 == 0)
        #expect(pair.send(1) == -Int(EPIPE))
    }

    @Test func closingWithBytesUnreadResets() {
        let pair = Pair { $0.isReading = false }
        _ = pair.wait()
        #expect(pair.send(5) == 5)
        pair.network.advance(to: pair.network.time + 1_000_000)
        pair.peer.send("answer")
        pair.peer.close()
        while pair.wait(10) != [] {}
        #expect(pair.recv() == (6, "answer"))
        #expect(pair.recv().0 == -Int(ECONNRESET))
    }

    @Test func writingToAClosedPeerIsAnsweredByAReset() {
        let pair = Pair { peer in
            peer.send("hello")
            peer.close()
        }
        while pair.wait(10) != [] {}
        #expect(pair.send(2) == 2)
        #expect(pair.wait(10) == [Self.allGone])
        #expect(pair.recv() == (5, "hello"))
        #expect(pair.recv().0 == 0)
        #expect(pair.send(2) == -Int(EPIPE))
    }

    @Test func bothEndsShutHangUp() {
        let pair = Pair { $0.finish() }
        while pair.wait(10) != [] {}
        pair.network.shutdownWrite(pair.fd)
        #expect(pair.recv().0 == 0)
        #expect(pair.peer.endings == [])
        pair.network.advance(to: pair.network.time + 1_000_000)
        #expect(pair.peer.endings == ["end"])
    }

    @Test func aFullBufferTakesNoMoreUntilThereIsRoom() {
        var link = Link()
        link.sendBytesMax = 1000
        link.receiveBytesMax = 500
        let pair = Pair(link) { $0.isReading = false }
        _ = pair.wait()
        #expect(pair.send(5000) == 1000)
        #expect(pair.send(1) == -Int(EAGAIN))
        #expect(pair.wait(100) == [Self.writable], "half of it has arrived and is acknowledged")
        #expect(pair.network.unacknowledged(pair.fd) == 500)
        #expect(pair.network.bytesAcknowledged(pair.fd) == 500)
        #expect(pair.send(5000) == 500)
        #expect(pair.wait(100) == [], "the other end reads nothing")
        pair.peer.isReading = true
        #expect(pair.wait(100) == [Self.writable])
        #expect(pair.network.unacknowledged(pair.fd) < 1000)
        while pair.wait(10) != [] {}
        #expect(pair.peer.heard.count == 1500)
    }

    @Test func aSegmentAcknowledgesWhatItsSenderHasReceived() {
        var link = Link()
        link.acknowledgementDelay = 40_000_000
        let pair = Pair(link)
        _ = pair.wait()
        let start = pair.network.time
        #expect(pair.send(10) == 10)
        // Leaves before the request has arrived, and arrives first.
        pair.peer.send("stray")
        #expect(pair.wait() == [Self.readable | Self.writable])
        #expect(pair.network.unacknowledged(pair.fd) == 10)
        #expect(pair.recv().1 == "stray")
        pair.network.advance(to: start + 200_000)
        pair.peer.send("answer")
        _ = pair.wait()
        #expect(pair.network.unacknowledged(pair.fd) == 0)
    }

    @Test func unixSocketsCountUnreadBytes() {
        var link = Link()
        link.isUnix = true
        let pair = Pair(link) { $0.isReading = false }
        #expect(pair.send(10) == 10)
        _ = pair.wait(1)
        #expect(pair.network.unacknowledged(pair.fd) == 10)
        #expect(pair.network.bytesAcknowledged(pair.fd) < 0)
        pair.peer.isReading = true
        #expect(pair.network.unacknowledged(pair.fd) == 0)
    }

    @Test func cutsKeepTheBytesInOrder() {
        for cuts in [Link.Cuts.everyByte, .perMille(100)] {
            var link = Link()
            link.cuts = cuts
            link.jitter = 1_000_000
            let text = (0..<100).map { "\($0)," }.joined()
            let pair = Pair(link) { $0.send(text) }
            var heard = ""
            var reads = 0
            while !pair.wait(10_000).isEmpty {
                while true {
                    let (n, part) = pair.recv()
                    guard n > 0 else { break }
                    heard += part
                    reads += 1
                }
            }
            #expect(heard == text)
            #expect(reads > 5)
        }
    }

    @Test func clientsAreAcceptedAndReset() {
        let network = SimulatedNetwork(seed: 1)
        let listener = network.makeListener()
        let peers = [Listener(), Listener()]
        for peer in peers { network.connect(peer, to: listener, over: Link()) }
        #expect(network.register(listener, tag: 9) == 0)
        var event = so_event()
        #expect(network.wait(&event, 1, milliseconds: 100) == 1)
        #expect(network.wait(&event, 1, milliseconds: 0) == 1, "level-triggered")
        var address = sockaddr_storage()
        let fd = network.accept(listener, &address)
        #expect(fd > 0)
        #expect(SocketAddress(address).description.hasPrefix("127.0.0.1:"))
        network.close(listener, reset: false)
        network.close(fd, reset: false)
        network.advance(to: network.time + 1_000_000)
        #expect(peers[0].endings == ["end"])
        #expect(peers[1].endings == ["reset"])
        #expect(network.openDescriptors == 0)
    }

    @Test func theSeedDecidesEverything() {
        func run(_ seed: UInt64) -> UInt64 {
            var link = Link()
            link.jitter = 5_000_000
            let network = SimulatedNetwork(seed: seed)
            let peer = Listener()
            let address = SocketAddress(unixPath: "/server")!
            network.serve(address.description, .accepts { _ in (peer, link) })
            var isConnected = false
            _ = network.register(network.connect(address, isConnected: &isConnected), tag: 1)
            var event = so_event()
            _ = network.wait(&event, 1, milliseconds: 100)
            return network.time
        }
        #expect(run(1) == run(1))
        #expect(run(1) != run(2))
    }
}
