import TLS

/// Keeps conversations open: a session is only a handle, good until its conversation closes it.
final class OpenConversations {
    private var all: [Conversation] = []

    func keep(_ conversation: Conversation) -> Conversation {
        all.append(conversation)
        return conversation
    }
}

/// Two sessions that talk to each other in memory, each with a port of its own.
final class Conversation {
    struct End: ~Copyable {
        var port = TLSPort()
        var session: TLSSession!
        var received: [UInt8] = []
        var state = TLSSession.State.open
        var failure: TLSFailure?
        /// On its way to this end.
        var arriving: [UInt8] = []
        /// Ciphertext that this end has sent in all.
        var sent: [UInt8] = []

        /// Takes what is underway in pieces of `cut` bytes.
        mutating func take(cut: Int, room: Int) {
            var bytes = arriving[...]
            arriving = []
            while !bytes.isEmpty, state == .open {
                let piece = Array(bytes.prefix(cut))
                bytes = bytes.dropFirst(cut)
                var plaintext = [UInt8](repeating: 0, count: room)
                var result = session.receive(piece, piece.count, into: &plaintext, capacity: room)
                received += plaintext[..<result.count]
                while result.state == .full {
                    result = session.receiveRest(into: &plaintext, capacity: room)
                    received += plaintext[..<result.count]
                }
                note(result.state)
                collect()
            }
        }

        mutating func note(_ newState: TLSSession.State) {
            state = newState
            if newState == .failed { failure = port.failure }
        }

        mutating func collect() {
            sent += port.output
            port.clear()
        }
    }

    var server = End()
    var client = End()
    private var serverSent = 0
    private var clientSent = 0

    init(_ acceptor: TLSAcceptor, _ destination: TLSDestination) {
        server.session = acceptor.makeSession(server.port)
        client.session = destination.makeSession(client.port)
        if !client.session.start() { client.note(.failed) }
    }

    deinit {
        server.session.close()
        client.session?.close()
    }

    func closeClient() {
        client.session.close()
        client.session = nil
    }

    /// Carries bytes both ways until nobody has anything to say.
    func run(cut: Int = .max, room: Int = 1 << 17) {
        while true {
            client.collect()
            server.collect()
            server.arriving += client.sent[clientSent...]
            client.arriving += server.sent[serverSent...]
            clientSent = client.sent.count
            serverSent = server.sent.count
            if server.arriving.isEmpty, client.arriving.isEmpty { return }
            server.take(cut: cut, room: room)
            client.take(cut: cut, room: room)
            server.arriving = []
            client.arriving = []
        }
    }

    /// Lengths of the TLS records in a stream of ciphertext, without their headers.
    static func recordLengths(_ bytes: some Collection<UInt8>) -> [Int] {
        var lengths: [Int] = []
        var rest = Array(bytes)[...]
        while rest.count >= 5 {
            let length = Int(rest[rest.startIndex + 3]) << 8 | Int(rest[rest.startIndex + 4])
            lengths.append(length)
            rest = rest.dropFirst(5 + length)
        }
        return lengths
    }
}

func acceptor(
    _ names: String..., clientCA: String? = nil, minimumVersion: TLSVersion = .tls12, tickets: TicketKeys? = nil
) throws -> TLSAcceptor {
    try TLSAcceptor(
        certificates: names.map { TestCertificates.files($0) }, clientCA: clientCA.map(TestCertificates.path),
        minimumVersion: minimumVersion, tickets: tickets ?? TicketKeys())
}
