import EventLoop
import Glibc
import Names
import Simulation

/// Looks names up in a world: each question is a connection to the world's nameserver, so that it waits as the real resolver does.
final class SimulatedResolver: NameLookups {
    private struct Question {
        let key: Int
        let number: Int
        let descriptor: Int32
        let deadline: UInt64
        var isAsked = false
    }

    /// A nameserver that does not answer is given up after so long.
    private static let patience: UInt64 = 4_000_000_000

    private unowned let world: SimulatedWorld
    private let ledger: NameLedger
    private let kernel: Kernel
    /// Of the system's settings, as they were when it was made.
    private let nameserver: SocketAddress
    private var questions: [Question] = []
    private var answers: [(key: Int, outcome: NameResolver.Outcome)] = []

    init(_ world: SimulatedWorld, _ ledger: NameLedger) {
        self.world = world
        self.ledger = ledger
        // Not the watch's: what that does with sockets is seen elsewhere.
        kernel = Kernel(simulated: world.network)
        nameserver = world.nameserver
    }

    func ask(_ host: String, port: UInt16, key: Int) {
        ledger.asks(host, port, key)
        let number = world.beginLookUp(of: key, with: nameserver)
        if let outcome = world.hasAtOnce(number) { return answers.append((key, outcome)) }
        var isConnected = false
        let descriptor = kernel.connect(nameserver, isConnected: &isConnected)
        guard descriptor >= 0 else { return answers.append((key, .failed("could not contact dns servers"))) }
        questions.append(
            Question(key: key, number: number, descriptor: descriptor, deadline: kernel.now() + Self.patience))
    }

    func take() -> [(key: Int, outcome: NameResolver.Outcome)] {
        defer { answers = [] }
        for answer in answers { ledger.takes(answer.key, answer.outcome) }
        return answers
    }

    var isAsking: Bool { !questions.isEmpty }

    var descriptors: [pollfd] {
        questions.map { pollfd(fd: $0.descriptor, events: Int16($0.isAsked ? POLLIN : POLLOUT), revents: 0) }
    }

    var milliseconds: Int? {
        questions.map(\.deadline).min().map { Int(($0 - min($0, kernel.now())) / 1_000_000) + 1 }
    }

    func attend(_ polled: ArraySlice<pollfd>) {
        for one in polled where one.revents != 0 {
            guard let place = questions.firstIndex(where: { $0.descriptor == one.fd }) else {
                world.fail("the watch has polled \(one.fd), which is no look-up's")
                continue
            }
            if questions[place].isAsked { read(place) } else { write(place) }
        }
        while let place = questions.firstIndex(where: { $0.deadline <= kernel.now() }) {
            end(place, .failed("timeout while contacting dns servers"))
        }
    }

    func cancel() {
        for question in questions { kernel.close(question.descriptor) }
        questions = []
    }

    private func write(_ place: Int) {
        guard kernel.takeError(questions[place].descriptor) == 0 else {
            return end(place, .failed("could not contact dns servers"))
        }
        questions[place].isAsked = true
        let text = Array("\(questions[place].number)\n".utf8)
        _ = text.withUnsafeBytes { kernel.send(questions[place].descriptor, $0.baseAddress!, $0.count) }
    }

    private func read(_ place: Int) {
        var byte: UInt8 = 0
        guard kernel.recv(questions[place].descriptor, &byte, 1) == 1 else { return }
        end(place, world.answer(to: questions[place].number))
    }

    private func end(_ place: Int, _ outcome: NameResolver.Outcome) {
        let question = questions.remove(at: place)
        kernel.close(question.descriptor)
        answers.append((question.key, outcome))
    }
}

/// One connection of the nameserver: its question is answered as the world has it.
final class NameServerPeer: SimulatedPeer {
    private unowned let world: SimulatedWorld
    private let isSilent: Bool
    private var bytes: [UInt8] = []

    init(_ world: SimulatedWorld, isSilent: Bool) {
        self.world = world
        self.isSilent = isSilent
        super.init()
    }

    override func received(_ more: [UInt8]) {
        bytes += more
        guard bytes.last == 0x0a, let number = Int(String(decoding: bytes.dropLast(), as: UTF8.self)) else { return }
        guard !isSilent, let delay = world.delay(of: number) else { return }
        world.network.after(delay) { [weak self] in self?.send("!") }
    }

    override func ended() { close() }
    override func wasReset() { close() }
}
