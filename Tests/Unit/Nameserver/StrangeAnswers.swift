import Glibc
import Names

/// Any bytes in the place of nameservers' answers, and what the resolver makes of them.
public enum StrangeAnswers {
    /// Bits of the first byte.
    public static let fitsNumber: UInt8 = 1
    public static let fitsQuestion: UInt8 = 2
    public static let differ: UInt8 = 4

    private static let port: UInt16 = 8080

    public enum Result {
        case kept(NameResolver.Outcome)
        /// What a resolver promises and has not kept.
        case broken(String)
    }

    /// `bytes` are one byte of the bits above, and answers: with their questions' numbers; with their questions in the place of the bytes behind
    /// the header; with the first half for the first question and the second for the second.
    public static func resolve(_ bytes: [UInt8]) -> Result {
        guard let nameserver = Nameserver(), let resolver = NameResolver(nameservers: nameserver.name) else {
            return .broken("no resolver")
        }
        resolver.ask("app.example.", port: port, key: 7)
        let body = bytes.dropFirst()
        let half = bytes.first.map { $0 & differ != 0 } == true ? body.count / 2 : 0
        var answered = 0
        // It may ask several times, and for two sorts of addresses; each answer is read before the next question.
        while answered < 8, let question = nameserver.take() {
            let part = half == 0 ? body : answered.isMultiple(of: 2) ? body.prefix(half) : body.dropFirst(half)
            nameserver.answer(question, fitted(Array(part), to: question, bytes.first ?? 0))
            answered += 1
            var polled = resolver.descriptors
            guard poll(&polled, nfds_t(polled.count), 0) >= 0 else { return .broken("no poll") }
            resolver.attend(polled[...])
        }
        if answered == 0, resolver.isAsking { return .broken("nobody is asked") }
        resolver.cancel()
        let answers = resolver.take()
        if answers.count != 1 || answers[0].key != 7 { return .broken("\(answers.count) answers to one question") }
        if resolver.isAsking || !resolver.descriptors.isEmpty { return .broken("something is left behind") }
        guard case .found(let addresses, let seconds) = answers[0].outcome else { return .kept(answers[0].outcome) }
        if addresses.isEmpty || addresses.count > NameResolver.addressesMax { return .broken("\(addresses.count) addresses") }
        if seconds < 0 { return .broken("an answer that has ended before it came") }
        guard addresses.allSatisfy({ $0.description.hasSuffix(":\(port)") }) else {
            return .broken("an address with another port")
        }
        return .kept(answers[0].outcome)
    }

    private static func fitted(_ bytes: [UInt8], to question: Nameserver.Question, _ bits: UInt8) -> [UInt8] {
        var bytes = bytes
        if bits & fitsQuestion != 0 {
            let header = Array(bytes.prefix(12)) + [UInt8](repeating: 0, count: max(0, 12 - bytes.count))
            bytes = header + question.bytes[12..<question.end] + bytes.dropFirst(12)
        }
        if bits & fitsNumber != 0, bytes.count >= 2 { bytes.replaceSubrange(0..<2, with: question.bytes[0..<2]) }
        return bytes
    }
}
