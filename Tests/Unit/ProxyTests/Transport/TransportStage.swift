import EventLoop
import Report
import Testing

@testable import Proxy

/// A transport on a kernel that a test writes, with a socket, and another from which bytes can be moved to it.
final class TransportStage {
    let kernel = ScriptedKernel()
    var transport: Transport
    let socket: UnsafeMutablePointer<Socket>
    let source: UnsafeMutablePointer<Socket>
    private let metrics = Metrics(schema: MetricsSchema(routes: [], upstreams: [], listeners: []), version: "test")

    init(headBytesMax: Int = 4096) {
        transport = Transport(
            kernel: Kernel(simulated: kernel), counters: metrics.makeCounters(), headBytesMax: headBytesMax, usesTLS: false,
            captures: nil)
        socket = .allocate(capacity: 1)
        socket.initialize(to: Socket(fd: 5))
        (socket.pointee.isReadable, socket.pointee.isWritable) = (true, true)
        source = .allocate(capacity: 1)
        source.initialize(to: Socket(fd: 6))
        source.pointee.isReadable = true
    }

    deinit {
        transport.buffers.give(&socket.pointee.input)
        transport.buffers.give(&socket.pointee.output)
        socket.deallocate()
        source.deallocate()
    }

    func load() -> Int { transport.load(socket, .client) }
    func text(_ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: transport.readBuffer, count: count), as: UTF8.self)
    }
    func keep(_ start: Int, _ end: Int) { transport.keep(socket, from: start, to: end) }
    var held: String {
        let input = socket.pointee.input
        return input.isEmpty
            ? "" : String(decoding: UnsafeBufferPointer(start: input.first, count: input.count), as: UTF8.self)
    }
    var unsent: String {
        let output = socket.pointee.output
        return output.isEmpty
            ? "" : String(decoding: UnsafeBufferPointer(start: output.first, count: output.count), as: UTF8.self)
    }
    var lentBytes: Int { transport.buffers.lentBytes }
    func look() -> Transport.Look { transport.look(at: socket) }
    func flush() -> Bool { transport.flush(socket, .client) }
    func moveIn(most: UInt64, into pipe: inout Int8) -> Transport.Moved {
        transport.moveIn(from: socket, .upstream, most: most, into: &pipe)
    }
    func moveOut(_ pipe: inout Int8) -> Bool { transport.moveOut(&pipe, to: socket, .client) }
    /// Moves what has arrived at another socket to this one.
    func move(through pipe: inout Int8) -> Transport.Moved {
        transport.move(from: source, .client, to: socket, most: 1000, through: &pipe)
    }
    var mayMove: Bool { transport.mayMove(from: source, to: socket) }
    var mayTakePipe: Bool { transport.pipes.mayTake }
    var lentPipes: Int { transport.pipes.lent }
    /// Bytes in a pipe.
    func held(_ pipe: Int8) -> Int { pipe < 0 ? 0 : transport.pipes[pipe].held }

    func deliver(_ runs: [StaticString]) -> Bool {
        var outbox = Outbox()
        for run in runs { outbox.add(run) }
        let isAlive = transport.deliver(&outbox, to: socket, .client)
        #expect(outbox.count == 0)
        return isAlive
    }
}
