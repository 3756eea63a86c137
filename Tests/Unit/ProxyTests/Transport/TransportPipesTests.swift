import Glibc
import Testing

@testable import Proxy

/// Bytes that go from socket to socket unseen: what stays in a pipe, what is known of the sockets afterwards.
@Suite struct TransportPipesTests {
    struct Move: CustomTestStringConvertible, Sendable {
        var name: String
        var result: Int
        var moved: Transport.Moved
        var isReadable = true
        var sawEnd = false
        var isBroken = false
        /// Pipes can still be had.
        var mayTake = true
        var testDescription: String { name }
    }

    static let moves: [Move] = [
        Move(name: "bytes", result: 700, moved: .bytes(700)),
        Move(name: "as many as are wanted", result: 5000, moved: .bytes(1000)),
        Move(name: "none now", result: Int(-EAGAIN), moved: .nothing, isReadable: false),
        Move(name: "the end", result: 0, moved: .nothing, isReadable: false, sawEnd: true),
        Move(name: "a reset", result: Int(-ECONNRESET), moved: .nothing, isReadable: false, isBroken: true),
        Move(name: "an interruption", result: Int(-EINTR), moved: .nothing),
        Move(name: "sockets that take none", result: Int(-EINVAL), moved: .refused, mayTake: false),
        Move(name: "a kernel that has none", result: Int(-ENOSYS), moved: .refused, mayTake: false),
    ]

    @Test(arguments: moves)
    func movesIn(_ move: Move) {
        let stage = TransportStage()
        stage.kernel.splices = [move.result]
        var pipe: Int8 = -1
        let moved = stage.moveIn(most: 1000, into: &pipe)
        #expect(moved == move.moved)
        let socket = stage.socket.pointee
        #expect(socket.isReadable == move.isReadable && socket.sawEnd == move.sawEnd && socket.isBroken == move.isBroken)
        if case .bytes(let count) = move.moved {
            #expect(pipe >= 0 && stage.held(pipe) == count && stage.lentPipes == 1)
        } else {
            #expect(pipe == -1 && stage.lentPipes == 0, "nobody has a pipe without bytes in it")
        }
        #expect(stage.mayTakePipe == move.mayTake)
    }

    @Test func withoutPipesBytesAreRead() {
        let stage = TransportStage()
        stage.kernel.hasPipes = false
        var pipe: Int8 = -1
        let moved = stage.moveIn(most: .max, into: &pipe)
        #expect(moved == .refused)
        #expect(pipe == -1 && stage.mayTakePipe, "it may have some later")
    }

    @Test(
        arguments: [
            ([1000], true, 0, false), ([300, 700], true, 0, false), ([300], true, 700, true),
            ([Int(-EAGAIN)], true, 1000, true),
            ([Int(-EINTR), 1000], true, 0, false), ([400, Int(-EPIPE)], false, 600, false),
        ] as [([Int], Bool, Int, Bool)])
    func movesOut(_ results: [Int], _ isAlive: Bool, _ left: Int, _ isHeldBack: Bool) {
        let stage = TransportStage()
        stage.kernel.splices = [1000]
        var pipe: Int8 = -1
        _ = stage.moveIn(most: .max, into: &pipe)
        stage.kernel.splices = results
        let moved = stage.moveOut(&pipe)
        #expect(moved == isAlive)
        #expect(stage.socket.pointee.isHeldBack == isHeldBack && stage.socket.pointee.isBlocked == isHeldBack)
        #expect(stage.socket.pointee.isWritable != isHeldBack)
        #expect(stage.held(pipe) == left && (pipe < 0) == (left == 0))
        guard pipe >= 0 else { return }
        // Bytes that nobody wants any more go with their pipe.
        stage.transport.drop(&pipe, of: stage.socket)
        #expect(pipe == -1 && stage.lentPipes == 0 && !stage.socket.pointee.isBlocked)
        #expect(stage.kernel.closed == [100, 101])
    }

    /// Bytes, and what the second splice makes of them: all have gone, some wait, or the other side takes none any more.
    @Test(
        arguments: [
            ([700, 700], .bytes(700), 0, false, false), ([700, 300], .bytes(700), 400, true, false),
            ([700, Int(-EPIPE)], .bytes(700), 700, false, true), ([Int(-EAGAIN)], .nothing, 0, false, false),
            ([0], .nothing, 0, false, false), ([Int(-EINVAL)], .refused, 0, false, false),
        ] as [([Int], Transport.Moved, Int, Bool, Bool)])
    func movesOn(_ results: [Int], _ expected: Transport.Moved, _ left: Int, _ isHeldBack: Bool, _ isBroken: Bool) {
        let stage = TransportStage()
        stage.kernel.splices = results
        var pipe: Int8 = -1
        let moved = stage.move(through: &pipe)
        #expect(moved == expected)
        #expect(stage.held(pipe) == left && (pipe < 0) == (left == 0))
        #expect(stage.socket.pointee.isHeldBack == isHeldBack && stage.socket.pointee.isBroken == isBroken)
        #expect(stage.source.pointee.sawEnd == (results == [0]))
        if pipe >= 0 { stage.transport.drop(&pipe, of: stage.socket) }
        #expect(stage.lentPipes == 0)
    }

    @Test func whatIsInAPipeGoesBeforeTheEnd() {
        let stage = TransportStage()
        stage.kernel.splices = [700, 300]
        var pipe: Int8 = -1
        _ = stage.move(through: &pipe)
        stage.transport.endWriting(stage.socket)
        // An event that tells of room, and nothing that the socket holds itself.
        stage.socket.pointee.isWritable = true
        #expect(stage.flush() && stage.kernel.ended == [])
        stage.kernel.splices = [100]
        #expect(stage.moveOut(&pipe) && stage.held(pipe) == 300 && stage.kernel.ended == [])
        stage.kernel.splices = [300]
        #expect(stage.moveOut(&pipe) && pipe == -1 && stage.kernel.ended == [5])
    }

    /// What may not be moved: bytes that somebody needs to see, or that others go before.
    @Test func whatIsMoved() {
        let stage = TransportStage()
        #expect(stage.mayMove)
        let changes: [(inout Socket, inout Socket) -> Void] = [
            {
                $0.security = .open; _ = $1
            },
            {
                _ = $0; $1.security = .handshaking
            },
            {
                _ = $0; $1.isHeldBack = true
            },
            {
                _ = $0; $1.isBroken = true
            },
            {
                _ = $0; $1.refusesBytes = true
            },
        ]
        for change in changes {
            let (source, target) = (stage.source.pointee, stage.socket.pointee)
            change(&stage.source.pointee, &stage.socket.pointee)
            #expect(!stage.mayMove)
            (stage.source.pointee, stage.socket.pointee) = (source, target)
        }
        stage.kernel.writes = [1]
        #expect(stage.deliver(["abc"]) && !stage.mayMove, "bytes wait to be sent")
        #expect(stage.flush() && stage.flush())
        stage.socket.pointee.isWritable = true
        #expect(stage.flush() && stage.mayMove)
        stage.kernel.reads = [.text("abc")]
        stage.keep(0, stage.load())
        swap(&stage.source.pointee.input, &stage.socket.pointee.input)
        #expect(!stage.mayMove, "bytes have been read")
        swap(&stage.source.pointee.input, &stage.socket.pointee.input)
    }
}
