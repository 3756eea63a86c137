import Testing

@testable import Proxy

/// What a socket's marks mean for whoever feeds it, and for what it is read for.
@Suite struct SocketTests {
    /// Total over what is unsent, held back, broken and refused.
    @Test func blockedAndWritable() {
        for bits in 0..<16 {
            var socket = Socket(fd: 1)
            if bits & 1 != 0 { socket.output.end = 1 }
            socket.isHeldBack = bits & 2 != 0
            socket.isBroken = bits & 4 != 0
            socket.refusesBytes = bits & 8 != 0
            #expect(socket.isBlocked == (bits & 3 != 0) && socket.mayWrite == (bits & 12 == 0))
        }
    }

    @Test(arguments: [(false, 0, false), (true, 0, true), (false, 1, true), (true, 1, true)] as [(Bool, UInt32, Bool)])
    func input(_ isReadable: Bool, _ held: UInt32, _ may: Bool) {
        var socket = Socket(fd: 1)
        socket.isReadable = isReadable
        socket.input.end = held
        #expect(socket.mayHaveInput == may)
    }
}
