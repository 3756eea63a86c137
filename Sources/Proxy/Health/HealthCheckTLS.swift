import Glibc
import TLS

/// Where the sessions of one thread's health checks put their records.
final class RecordPort {
    var port: TLSPort
    init(isNeeded: Bool) { port = TLSPort(isNeeded: isNeeded) }
}

/// The TLS of one server's health checks: verified and resumed like that of its other connections.
final class HealthCheckTLS {
    private let destination: TLSDestination
    private let records: RecordPort
    private var session: TLSSession?
    private var request: [UInt8] = []
    /// The handshake has ended.
    private(set) var isOpen = false

    init(_ destination: TLSDestination, _ records: RecordPort) {
        self.destination = destination
        self.records = records
    }

    deinit { end() }

    /// Puts our greeting into `outgoing`; the request follows when the handshake has ended. Returns what has failed.
    func begin(_ request: [UInt8], _ outgoing: inout [UInt8]) -> String? {
        end()
        self.request = request
        session = destination.makeSession(records.port)
        guard let session, session.start() else { return session == nil ? "no memory for TLS" : "\(records.port.failure)" }
        takeRecords(&outgoing)
        return nil
    }

    /// What the server's records say for the answer; our own records, if any, go into `outgoing`.
    func receive(
        _ bytes: UnsafeBufferPointer<UInt8>, _ outgoing: inout [UInt8], into answer: inout HealthAnswer, now: UInt64
    ) -> HealthAnswer.Verdict {
        guard let session else { return .unfinished }
        let capacity = bytes.count + TLSSession.surplusPlaintextMax
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { plaintext in
            let received = session.receive(bytes.baseAddress, bytes.count, into: plaintext.baseAddress!, capacity: capacity)
            let isFlood = records.port.hasLateSteps && !session.mayStep(now)
            let failure = received.state == .failed || isFlood ? "\(records.port.failure)" : nil
            takeRecords(&outgoing)
            if !isOpen, failure == nil, session.isEstablished {
                isOpen = true
                _ = request.withUnsafeBufferPointer { session.write($0.baseAddress!, $0.count) }
                takeRecords(&outgoing)
            }
            if received.count > 0 {
                let verdict = answer.receive(UnsafeBufferPointer(rebasing: plaintext[..<received.count]))
                if verdict != .unfinished { return verdict }
            }
            return failure.map { .unhealthy($0) } ?? .unfinished
        }
    }

    func end() {
        session?.close()
        session = nil
        isOpen = false
    }

    private func takeRecords(_ outgoing: inout [UInt8]) {
        outgoing += records.port.output
        records.port.clear()
    }
}
