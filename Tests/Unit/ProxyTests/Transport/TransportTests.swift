import CShim
import EventLoop
import Glibc
import Report
import Testing

@testable import Proxy

/// Bytes in and out of a socket: what stands in the read buffer, what is held, what is known of the socket afterwards.
@Suite struct TransportTests {
    // MARK: Reading

    struct Reading: CustomTestStringConvertible, Sendable {
        var name: String
        var read: @Sendable () -> ScriptedKernel.Read?
        var peerEnded = false
        var count = 0
        var isReadable = false
        var sawEnd = false
        var isBroken = false
        var testDescription: String { name }
    }

    static let readings: [Reading] = [
        Reading(name: "a short read has emptied it", read: { .text("abc") }, count: 3),
        // The end needs another look, for no event comes again.
        Reading(
            name: "a short read, and the peer has ended", read: { .text("abc") }, peerEnded: true, count: 3, isReadable: true),
        Reading(
            name: "a full read", read: { .bytes([UInt8](repeating: 0x61, count: Transport.readBytes)) },
            count: Transport.readBytes,
            isReadable: true),
        Reading(
            name: "more than a full read", read: { .bytes([UInt8](repeating: 0x61, count: 2 * Transport.readBytes)) },
            count: Transport.readBytes, isReadable: true),
        Reading(name: "nothing", read: { nil }), Reading(name: "the end", read: { .end }, sawEnd: true),
        Reading(name: "a reset", read: { .error(ECONNRESET) }, isBroken: true),
        Reading(name: "a time-out", read: { .error(ETIMEDOUT) }, isBroken: true),
        Reading(name: "an interruption", read: { .error(EINTR) }, isReadable: true),
    ]

    /// Linux tells a reset to the write that meets it, and the end to the read behind that.
    @Test(arguments: [false, true]) func anUnannouncedEndOfRecords(isRefused: Bool) {
        let stage = TransportStage()
        stage.socket.pointee.security = .open
        stage.socket.pointee.refusesBytes = isRefused
        stage.kernel.reads = [.end]
        #expect(stage.load() == 0)
        let socket = stage.socket.pointee
        #expect(socket.isBroken == isRefused && socket.sawEnd == !isRefused && socket.isCut == !isRefused)
    }

    @Test(arguments: readings)
    func whatARead(_ reading: Reading) {
        for held in ["", "xy"] {
            let stage = TransportStage()
            if !held.isEmpty {
                stage.kernel.reads = [.text(held)]
                stage.keep(0, stage.load())
                stage.socket.pointee.isReadable = true
            }
            stage.kernel.reads = [reading.read()].compactMap(\.self)
            stage.socket.pointee.peerEnded = reading.peerEnded
            let count = stage.load()
            #expect(count == held.utf8.count + reading.count)
            #expect(stage.text(min(count, 2)) == String((held + "abc").prefix(min(count, 2))) || reading.count > 100)
            let socket = stage.socket.pointee
            #expect(socket.isReadable == reading.isReadable && socket.sawEnd == reading.sawEnd)
            #expect(socket.isBroken == reading.isBroken)
            #expect(stage.held == held, "held until `keep` says what is left")
        }
    }

    @Test func whatIsNotConsumedStandsBeforeWhatComes() {
        let stage = TransportStage()
        stage.kernel.reads = [.text("GET / HT"), .text("TP/1.1\r\n\r\nGET"), .text(" /2")]
        var count = stage.load()
        stage.keep(0, count)
        stage.socket.pointee.isReadable = true
        count = stage.load()
        #expect(stage.text(count) == "GET / HTTP/1.1\r\n\r\nGET")
        stage.keep(18, count)
        #expect(stage.held == "GET")
        stage.socket.pointee.isReadable = true
        count = stage.load()
        #expect(stage.text(count) == "GET /2")
        stage.keep(count, count)
        #expect(stage.held == "" && stage.lentBytes == 0, "who holds nothing has no buffer")
    }

    @Test func withoutReadinessNothingIsAsked() {
        let stage = TransportStage()
        stage.kernel.reads = [.text("abc")]
        stage.socket.pointee.isReadable = false
        #expect(stage.load() == 0 && stage.kernel.reads.count == 1)
    }

    /// A peer's memory is bounded: who holds more than a header block is not read.
    @Test(arguments: [(4096, true), (4097, false)])
    func noMoreThanAHeaderBlockIsHeld(_ held: Int, _ isRead: Bool) {
        let stage = TransportStage(headBytesMax: 4096)
        stage.kernel.reads = [.bytes([UInt8](repeating: 0x61, count: held)), .text("b")]
        stage.keep(0, stage.load())
        stage.socket.pointee.isReadable = true
        #expect(stage.load() == held + (isRead ? 1 : 0))
        #expect(stage.socket.pointee.isReadable != isRead, "it will be read when they are worked off")
    }

    @Test func keepingTheSameBytesAgainCopiesNothing() {
        let stage = TransportStage()
        stage.kernel.reads = [.text("abcdef")]
        stage.keep(2, stage.load())
        let base = stage.socket.pointee.input.base
        let count = stage.load()
        stage.keep(0, count)
        #expect(stage.held == "cdef" && stage.socket.pointee.input.base == base && count == 4)
        stage.keep(1, count)
        #expect(stage.held == "def")
    }

    // MARK: Looking

    @Test(arguments: [
        (0, Transport.Look.quiet), (1, .bytes), (2, .ended), (3, .ended),
    ])
    func looks(_ which: Int, _ expected: Transport.Look) {
        let stage = TransportStage()
        let reads: [[ScriptedKernel.Read]] = [[], [.text("H")], [.end], [.error(ECONNRESET)]]
        stage.kernel.reads = reads[which]
        #expect(stage.look() == expected)
        #expect(stage.kernel.reads.count == reads[which].count, "a look takes nothing")
    }

    // MARK: Writing

    struct Writing: CustomTestStringConvertible, Sendable {
        var name: String
        var runs: [StaticString]
        /// What the socket takes of them, negative for a failure; nil for all.
        var taken: Int?
        var unsent = ""
        var isAlive = true
        var isWritable = true
        var testDescription: String { name }
    }

    static let writings: [Writing] = [
        Writing(name: "one run", runs: ["abc"]), Writing(name: "three runs", runs: ["abc", "de", "f"]),
        Writing(name: "nothing of them", runs: ["abc", "de"], taken: 0, unsent: "abcde", isWritable: false),
        Writing(name: "a part of the first", runs: ["abc", "de"], taken: 2, unsent: "cde", isWritable: false),
        Writing(name: "the first whole", runs: ["abc", "de"], taken: 3, unsent: "de", isWritable: false),
        Writing(name: "a part of the second", runs: ["abc", "de", "f"], taken: 4, unsent: "ef", isWritable: false),
        Writing(name: "all but a byte", runs: ["abc", "de", "f"], taken: 5, unsent: "f", isWritable: false),
        Writing(name: "it is full", runs: ["abc", "de"], taken: Int(-EAGAIN), unsent: "abcde", isWritable: false),
        Writing(name: "the peer has gone", runs: ["abc"], taken: Int(-EPIPE), isAlive: false),
        Writing(name: "reset", runs: ["abc", "de"], taken: Int(-ECONNRESET), isAlive: false),
    ]

    @Test(arguments: writings)
    func delivers(_ writing: Writing) {
        let stage = TransportStage()
        if let taken = writing.taken { stage.kernel.writes = [taken] }
        #expect(stage.deliver(writing.runs) == writing.isAlive)
        #expect(stage.unsent == writing.unsent && stage.socket.pointee.isWritable == writing.isWritable)
        #expect(stage.socket.pointee.isBroken != writing.isAlive && stage.socket.pointee.isBlocked == !writing.unsent.isEmpty)
        guard writing.isAlive else { return }
        // What comes later waits behind it, and all leaves in its order.
        #expect(stage.deliver(["xyz"]))
        if !writing.unsent.isEmpty { #expect(stage.unsent == writing.unsent + "xyz" && stage.kernel.writeCount == 1) }
        stage.socket.pointee.isWritable = true
        #expect(stage.flush())
        #expect(
            stage.kernel.text == writing.runs.map { "\($0)" }.joined() + "xyz" && stage.unsent == "" && stage.lentBytes == 0)
    }

    @Test(arguments: [(true, false), (false, true)])
    func toWhomNothingCanBeSent(_ isBroken: Bool, _ refuses: Bool) {
        let stage = TransportStage()
        (stage.socket.pointee.isBroken, stage.socket.pointee.refusesBytes) = (isBroken, refuses)
        #expect(!stage.deliver(["abc"]) && stage.kernel.writeCount == 0 && stage.unsent == "")
    }

    @Test func whatIsHeldLeavesBitByBit() {
        let stage = TransportStage()
        stage.kernel.writes = [1, 2, Int(-EAGAIN)]
        #expect(stage.deliver(["abcdefgh"]) && stage.unsent == "bcdefgh")
        stage.socket.pointee.isWritable = true
        #expect(stage.flush())
        #expect(stage.unsent == "defgh" && !stage.socket.pointee.isWritable, "a short write: it is full")
        #expect(stage.flush() && stage.kernel.writeCount == 2, "it is not asked before it is writable")
        stage.socket.pointee.isWritable = true
        #expect(stage.flush() && stage.kernel.writeCount == 3)
        #expect(stage.unsent == "defgh" && !stage.socket.pointee.isWritable)
        stage.socket.pointee.isWritable = true
        stage.kernel.writes = [Int(-EPIPE)]
        #expect(!stage.flush() && stage.socket.pointee.isBroken)
    }

    // MARK: Ending

    @Test func ourSideEndsWhenAllIsSent() {
        let stage = TransportStage()
        stage.transport.endWriting(stage.socket)
        #expect(stage.kernel.ended == [5] && stage.socket.pointee.writing == .ended)
        let blocked = TransportStage()
        blocked.kernel.writes = [1]
        #expect(blocked.deliver(["abc"]))
        blocked.transport.endWriting(blocked.socket)
        #expect(blocked.kernel.ended == [] && blocked.socket.pointee.writing == .ending)
        blocked.kernel.writes = [1]
        blocked.socket.pointee.isWritable = true
        #expect(blocked.flush() && blocked.kernel.ended == [], "one byte is left")
        blocked.socket.pointee.isWritable = true
        #expect(blocked.flush() && blocked.kernel.ended == [5])
        #expect(blocked.kernel.text == "abc" && blocked.socket.pointee.writing == .ended)
        #expect(blocked.flush() && blocked.kernel.ended == [5], "once")
    }

    @Test(arguments: [false, true])
    func aSocketThatIsShutHoldsNothing(_ reset: Bool) {
        let stage = TransportStage()
        stage.kernel.reads = [.text("abc")]
        stage.kernel.writes = [0]
        stage.keep(1, stage.load())
        #expect(stage.deliver(["xyz"]) && stage.lentBytes > 0)
        stage.transport.shut(stage.socket, reset: reset)
        #expect(stage.lentBytes == 0 && stage.held == "" && stage.unsent == "")
        #expect(stage.kernel.closed == (reset ? [] : [5]) && stage.kernel.reset == (reset ? [5] : []))
    }
}
