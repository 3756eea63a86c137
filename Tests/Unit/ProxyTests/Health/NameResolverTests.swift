import Chance
import EventLoop
import Names
import Nameserver
import Testing

@testable import Proxy

/// c-ares against a nameserver of this test's own, on a port of loopback's choosing.
@Suite struct NameResolverTests {
    /// A watch ends in the middle of a look-up with each reload that comes at such a time.
    @Test func whoIsNoLongerWaitedForLeavesNothingBehind() throws {
        let nameserver = try #require(Nameserver())
        weak var left: NameResolver?
        do {
            let resolver = try #require(NameResolver(nameservers: nameserver.name))
            left = resolver
            resolver.ask("app.example", port: 80, key: 1)
            #expect(resolver.isAsking && !resolver.descriptors.isEmpty)
            resolver.cancel()
            #expect(!resolver.isAsking && resolver.descriptors.isEmpty)
        }
        #expect(left == nil)
    }

    @Test func whatIsTakenOffIsAFailure() throws {
        let nameserver = try #require(Nameserver())
        let resolver = try #require(NameResolver(nameservers: nameserver.name))
        resolver.ask("app.example", port: 80, key: 3)
        #expect(resolver.take().isEmpty)
        resolver.cancel()
        let answers = resolver.take()
        #expect(answers.map(\.key) == [3])
        guard case .failed? = answers.first?.outcome else { return #expect(Bool(false), "\(answers)") }
    }

    /// An answer to either question, with so many records.
    private static func answer(_ count: UInt8, _ records: [UInt8], status: UInt8 = 0) -> [UInt8] {
        [StrangeAnswers.fitsNumber | StrangeAnswers.fitsQuestion]
            + [0, 0, 0x81, 0x80 | status, 0, 1, 0, count, 0, 0, 0, 0] + records
    }

    private static func address(_ data: [UInt8], seconds: UInt8 = 200) -> [UInt8] {
        [0xc0, 12, 0, data.count == 4 ? 1 : 28, 0, 1, 0, 0, 0, seconds, 0, UInt8(data.count)] + data
    }

    private static let twenty = (1...20).flatMap { address([127, 0, 0, $0], seconds: 100 + $0) }

    @Test func whatIsAnswered() {
        func told(_ bytes: [UInt8]) -> String {
            switch StrangeAnswers.resolve(bytes) {
            case .kept(.found(let addresses, let seconds)):
                "\(addresses.map(\.description).sorted().prefix(2)) of \(addresses.count), \(seconds) s"
            case .kept(.failed(let why)): why
            case .broken(let promise): "broken: \(promise)"
            }
        }
        // Either question, for IPv4 and for IPv6, has the same answer.
        let one = "127.0.0.1:8080"
        #expect(told(Self.answer(1, Self.address([127, 0, 0, 1]))) == "\([one, one]) of 2, 200 s")
        #expect(told(Self.answer(1, Self.address([UInt8](0..<16)))).contains("of 2, 200 s"))
        #expect(told(Self.answer(20, Self.twenty)).contains("of \(NameResolver.addressesMax), "))
        #expect(told(Self.answer(0, [], status: 3)) == "domain name not found")
        // What is no answer is not taken for one, and what asks for another number neither.
        #expect(told([StrangeAnswers.fitsNumber]) == "dns query cancelled")
        #expect(told([0] + Self.answer(1, Self.address([127, 0, 0, 1])).dropFirst()) == "dns query cancelled")
    }

    /// The short form of `scripts/fuzz names`.
    @Test func strangeAnswersBreakNothing() {
        var chance = Chance(seed: 11)
        let good = [
            Self.answer(1, Self.address([127, 0, 0, 1])), Self.answer(1, Self.address([UInt8](0..<16))),
            Self.answer(20, Self.twenty), Self.answer(0, [], status: 3),
        ]
        for _ in 0..<3000 {
            var bytes = chance.pick(good)
            for _ in 0...chance.below(4) { bytes[chance.below(bytes.count)] = UInt8(chance.below(256)) }
            if chance.below(3) == 0 { bytes.removeLast(chance.below(bytes.count - 1)) }
            guard case .broken(let promise) = StrangeAnswers.resolve(bytes) else { continue }
            #expect(Bool(false), "\(promise): \(bytes)")
        }
    }
}
