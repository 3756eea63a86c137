import Detector
import Synchronization
import Testing

@testable import Report

/// A report and the wire's incident of one exchange are recorded as one, in whatever order they come.
struct ApplicationDeskTests {
    private let desk = ApplicationDesk()
    private let second: UInt64 = 1_000_000_000

    private func report(_ id: String = "r1", request: String = "b1946ac9", outcome: String = "thrown") -> ApplicationReport {
        var report = ApplicationReport(id: id)
        report.application = ApplicationSend(outcome: outcome, operation: "setHeader")
        report.application?.route = "/orders/:id"
        report.request = Incident.Request(id: request, method: "GET", path: "/orders/7")
        report.mark = ExchangeMark(salt: 1, server: 1, route: 0, connection: 812, ordinal: 3)
        report.message = "answered again"
        return report
    }

    @Test func theReportFirst() {
        #expect(desk.take(report(), now: 0).isEmpty)
        #expect(desk.take(fullIncident(), now: 1)?.application?.operation == "setHeader")
        #expect(desk.due(now: 9 * second).isEmpty)
    }

    @Test func theWireFirst() {
        #expect(desk.take(report("other", request: "another"), now: 0).isEmpty)
        #expect(desk.take(fullIncident(), now: 1) == nil)
        #expect(desk.take(report(), now: 2).map(\.application?.outcome) == ["thrown"])
        #expect(desk.due(now: 9 * second).map(\.request?.id) == ["another"])
    }

    @Test func withoutAProbeNothingWaits() { #expect(desk.take(fullIncident(), now: 0) != nil) }

    @Test func aloneItIsRecordedInTheEnd() {
        desk.learn(
            .init(routes: ["shop"], servers: [.init(upstream: "a", address: "x:1"), .init(upstream: "b", address: "y:2")]),
            salt: 1)
        _ = desk.take(report(), now: 0)
        #expect(desk.due(now: 1).isEmpty)
        let recorded = desk.due(now: second)
        #expect(recorded.map(\.kind) == [.applicationDoubleSend])
        #expect(recorded.first?.route == "shop")
        #expect(recorded.first?.upstream?.address == "y:2")
        #expect(recorded.first?.upstream?.connection == 812)
        #expect(desk.due(now: 9 * second).isEmpty)
    }

    @Test func aMarkOfAnotherProcessIsNotBelieved() {
        _ = desk.take(report(), now: 0)
        let recorded = desk.rest()
        #expect(recorded.first?.route == "_none")
        #expect(recorded.first?.upstream == nil)
    }

    @Test func aCorrectionHolds() {
        _ = desk.take(report(), now: 0)
        var correction = ApplicationReport(id: "r1")
        correction.correctedOutcome = "crashed"
        _ = desk.take(correction, now: 1)
        #expect(desk.rest().first?.application?.outcome == "crashed")
    }

    /// A worker that waits for a processor shows late what was on the wire in time.
    @Test func aReportWaitsForTheWorkersTurns() {
        let workers = Workers()
        desk.learn(.init(routes: [], servers: []), salt: 1)
        desk.ask(salt: 1, workers)
        _ = desk.take(report(), now: 0)
        for time in 1...3 { #expect(desk.due(now: UInt64(time) * second).isEmpty) }
        #expect(workers.asked == [1])
        #expect(desk.take(fullIncident(), now: 3 * second)?.application != nil)
        #expect(desk.due(now: 9 * second).isEmpty)
    }

    @Test func fourTurnsAreEnough() {
        let workers = Workers()
        desk.learn(.init(routes: [], servers: []), salt: 1)
        desk.ask(salt: 1, workers)
        _ = desk.take(report(), now: 0)
        for round in 1...4 as ClosedRange<UInt64> {
            #expect(desk.due(now: round * second / 10).isEmpty)
            desk.passed(round)
        }
        #expect(desk.due(now: second / 2).map(\.kind) == [.applicationDoubleSend])
        #expect(workers.asked == [1, 2, 3, 4])
    }

    @Test func aWorkerThatHangsIsNotWaitedForLong() {
        let workers = Workers()
        desk.learn(.init(routes: [], servers: []), salt: 1)
        desk.ask(salt: 1, workers)
        _ = desk.take(report(), now: 0)
        #expect(desk.due(now: second).isEmpty)
        #expect(desk.due(now: 5 * second).count == 1)
        _ = desk.take(report("r2", request: "later"), now: 7 * second)
        for time in 8...12 as ClosedRange<UInt64> {
            #expect(desk.due(now: time * second).isEmpty == (time < 12))
            desk.passed(workers.asked.last ?? 0)
        }
    }

    @Test func twoOfAConnectionGetTheirOwnIncidents() {
        _ = desk.take(report("r1", request: "first", outcome: "sent"), now: 0)
        _ = desk.take(report("r2", request: "second", outcome: "sent"), now: 1)
        let incident = fullIncident(kind: .secondResponse)
        #expect(desk.take(incident, now: 2)?.application != nil)
        #expect(desk.take(incident, now: 3)?.application != nil)
        #expect(desk.due(now: 9 * second).isEmpty)
    }

    @Test func ofWhomTheWireKnowsNothingTheReportDoes() {
        var incident = fullIncident(kind: .secondResponse)
        incident.request = nil
        _ = desk.take(report(request: "guilty", outcome: "sent"), now: 0)
        #expect(desk.take(incident, now: 1)?.request?.id == "guilty")
        #expect(desk.due(now: 9 * second).isEmpty)
    }

    @Test func aHangUpAfterItIsNotRecordedTwice() {
        _ = desk.take(report(), now: 0)
        #expect(desk.take(fullIncident(kind: .hangupAfterEnd), now: 1) == nil)
        #expect(desk.rest().map(\.kind) == [.applicationDoubleSend])
    }

    @Test func whatWentOutNamesTheGuiltyRequest() {
        _ = desk.take(report(request: "guilty", outcome: "sent"), now: 0)
        let recorded = desk.take(fullIncident(kind: .secondResponse), now: 1)
        #expect(recorded?.request?.id == "guilty")
        #expect(recorded?.upstream?.exchange == 3)
    }

    @Test func whoDoesNotKnowWhoItWasLeavesTheWiresWord() {
        var open = report(request: "another", outcome: "sent")
        open.attribution = .open
        _ = desk.take(open, now: 0)
        let wire = fullIncident()
        let recorded = desk.take(wire, now: 1)
        #expect(recorded?.application?.operation == "setHeader")
        #expect(recorded?.request?.id == wire.request?.id)
        #expect(recorded?.attribution == wire.attribution)
        #expect(recorded?.message == wire.message)
    }

    @Test func whatWaitsIsBounded() {
        var recorded = 0
        for number in 0..<(ApplicationDesk.reportsMax + 10) {
            recorded += desk.take(report("r\(number)", request: "q\(number)"), now: 0).count
        }
        #expect(recorded == 10)
        #expect(desk.rest().count == ApplicationDesk.reportsMax)
    }
}

private final class Workers: DeskWorkers {
    private let rounds = Mutex<[UInt64]>([])
    var asked: [UInt64] { rounds.withLock { $0 } }
    func identify(_ mark: ExchangeMark) {}
    func pass(_ round: UInt64) -> Int {
        rounds.withLock { $0.append(round) }
        return 1
    }
}
