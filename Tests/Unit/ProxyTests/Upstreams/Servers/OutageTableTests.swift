import Testing

@testable import Proxy

/// Each fact in each state of a server that cannot be reached.
@Suite struct OutageTableTests {
    enum State: CaseIterable, Sendable { case reachable, doubtful, doubtfulDue, refusing, refusingDue }
    enum Fact: CaseIterable, Sendable { case refused, doubted, requestGoes, ended }

    private static let start: UInt64 = 1_000_000_000
    private static let now = start + Outage.waitFirst

    /// In this state at `now`.
    private static func made(_ state: State) -> Outage {
        var outage = Outage()
        switch state {
        case .reachable: break
        case .doubtful: Outage.doubted(&outage, start + 1)
        case .doubtfulDue: Outage.doubted(&outage, start)
        case .refusing: Outage.refused(&outage, start + 1)
        case .refusingDue: Outage.refused(&outage, start)
        }
        return outage
    }

    private static func state(_ outage: inout Outage) -> State {
        let isDue = Outage.trialIsDue(&outage, now)
        if Outage.isRefusing(&outage) { return isDue ? .refusingDue : .refusing }
        return isDue ? .doubtfulDue : Outage.trialIsDue(&outage, .max) ? .doubtful : .reachable
    }

    /// By fact, in the order of the states.
    static let expected: [(Fact, [State])] = [
        //              reachable   doubtful   doubtfulDue  refusing   refusingDue
        (.refused, [.refusing, .refusing, .refusing, .refusing, .refusingDue]),
        (.doubted, [.doubtful, .doubtful, .doubtful, .refusing, .refusingDue]),
        (.requestGoes, [.reachable, .doubtful, .reachable, .refusing, .refusing]),
        (.ended, [.reachable, .doubtful, .doubtfulDue, .reachable, .reachable]),
    ]

    @Test(arguments: expected)
    func everyFactInEveryState(_ fact: Fact, _ after: [State]) {
        for (state, expected) in zip(State.allCases, after) {
            var outage = Self.made(state)
            #expect(Self.state(&outage) == state)
            switch fact {
            case .refused: Outage.refused(&outage, Self.now)
            case .doubted: Outage.doubted(&outage, Self.now)
            case .requestGoes: Outage.requestGoes(&outage, Self.now)
            case .ended:
                let time = Outage.ended(&outage, Self.now)
                #expect((time != nil) == (state == .refusing || state == .refusingDue))
                if let time { #expect(time == Self.now - Self.start - (state == .refusing ? 1 : 0)) }
            }
            #expect(Self.state(&outage) == expected, "\(fact) in \(state)")
        }
        #expect(Self.expected.count == Fact.allCases.count)
    }

    /// A clock that another worker has read a little later ends nothing before it began.
    @Test func anEndBeforeItsBeginning() {
        var outage = Outage()
        Outage.refused(&outage, 500)
        #expect(Outage.ended(&outage, 400) == 0)
    }
}
