import EventLoop
import Simulation
import Testing

@testable import Proxy

private let millisecond: UInt64 = 1_000_000

/// A server that dies right after an answer, with all its connections: recorded once for each time that it does.
@Suite struct DeathTests {
    /// Answers every request; the last that is asked for dies of it.
    private final class Process {
        var connections: [Server] = []
        var isMortal = false
    }

    private final class Server: SimulatedPeer {
        let process: Process
        let network: SimulatedNetwork

        init(_ process: Process, _ network: SimulatedNetwork) {
            self.process = process
            self.network = network
        }

        override func received(_ bytes: [UInt8]) {
            send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
            guard process.isMortal else { return }
            network.after(millisecond) { [process] in
                for connection in process.connections { connection.close() }
                process.connections = []
            }
        }
    }

    /// Three connections are pooled, a fourth request is answered, and a millisecond later all of them end: twice, so long apart.
    @Test(arguments: [(220, 1), (500, 2), (1500, 2)]) func eachIsRecordedOnce(millisecondsApart: UInt64, recorded: UInt64)
        throws
    {
        let process = Process()
        var stage = try SimulatedWorkerTests.Stage.make { network in
            .accepts { _ in
                let server = Server(process, network)
                process.connections.append(server)
                return (server, Link())
            }
        }
        let (network, listener) = (stage.network, stage.listener)
        func ask() { network.connect(SimulatedWorkerTests.Client(), to: listener, over: Link()) }
        for death in UInt64(0)..<2 {
            let start = (1 + death * millisecondsApart) * millisecond
            network.after(start) {
                process.isMortal = false
                for _ in 0..<3 { ask() }
            }
            network.after(start + 100 * millisecond) {
                process.isMortal = true
                ask()
            }
        }
        repeat { stage.worker.turn(waitMilliseconds: -1) } while !network.isQuiet
        #expect(stage.recorder.ring.lastSequence == recorded)
        #expect(stage.worker.census == WorkerCensus())
    }
}
