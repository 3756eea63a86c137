import Testing

@testable import Proxy

@Suite struct DepartureTests {
    enum Order { case retire, drain, end }

    private func departure(after orders: [Order]) -> (phase: Departure.Phase, taken: [Bool]) {
        var departure = Departure()
        var taken: [Bool] = []
        for order in orders {
            switch order {
            case .retire: taken.append(departure.retire(to: nil))
            case .drain: taken.append(departure.drain(until: 100))
            case .end: departure.end()
            }
        }
        return (departure.phase, taken)
    }

    @Test(
        arguments: [
            ([], Departure.Phase.serving, []),
            ([.retire], .retiring, [true]),
            ([.retire, .retire], .retiring, [true, false]),
            ([.drain], .draining(until: 100), [true]),
            ([.drain, .drain], .draining(until: 100), [true, false]),
            ([.drain, .retire], .draining(until: 100), [true, false]),
            ([.retire, .drain], .draining(until: 100), [true, true]),
            ([.retire, .end], .ended, [true]),
            ([.retire, .end, .drain], .ended, [true, false]),
            ([.drain, .end, .retire], .ended, [true, false]),
        ] as [([Order], Departure.Phase, [Bool])])
    func transitions(_ orders: [Order], _ phase: Departure.Phase, _ taken: [Bool]) {
        let found = departure(after: orders)
        #expect(found.phase == phase && found.taken == taken)
    }

    @Test func aDrainIsOverAtItsDeadline() {
        var departure = Departure()
        #expect(departure.isOverdue(now: .max) == false)
        _ = departure.drain(until: 100)
        #expect(departure.isOverdue(now: 99) == false)
        #expect(departure.isOverdue(now: 100) == true)
    }

    @Test func clientsGoToTheSuccessorThatHasTheirListener() {
        let mailboxes = [Mailbox(fd: -1), Mailbox(fd: -1)]
        let succession = Succession(mailboxes: mailboxes, listeners: [1, -1])
        var departure = Departure()
        let nobody30 = departure.successor(ofWorker: 3, listener: 0)
        #expect(nobody30 == nil)
        _ = departure.retire(to: succession)
        let successor = departure.successor(ofWorker: 3, listener: 0)
        #expect(successor?.mailbox === mailboxes[1] && successor?.listener == 1)
        #expect([departure.handsOver(listener: 0), departure.abandons(listener: 0)] == [true, false])
        let nobody31 = departure.successor(ofWorker: 3, listener: 1)
        #expect(nobody31 == nil)
        #expect([departure.handsOver(listener: 1), departure.abandons(listener: 1)] == [false, true])
        departure.successorHasEnded()
        #expect([departure.handsOver(listener: 0), departure.abandons(listener: 1)] == [false, false])
    }

    @Test func aDrainHandsNobodyOver() {
        var departure = Departure()
        _ = departure.retire(to: Succession(mailboxes: [Mailbox(fd: -1)], listeners: [0]))
        _ = departure.drain(until: 1)
        let nobody00 = departure.successor(ofWorker: 0, listener: 0)
        #expect(nobody00 == nil)
    }
}
