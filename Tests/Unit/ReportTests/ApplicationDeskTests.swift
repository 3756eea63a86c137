import Detector
import Testing

@testable import Report

/// A report and the wire's incident of one exchange are told as one, in whatever order they come.
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

    @Test func aloneItIsToldInTheEnd() {
        desk.learn(
            .init(routes: ["shop"], servers: [.init(upstream: "a", address: "x:1"), .init(upstream: "b", address: "y:2")]),
            salt: 1)
        _ = desk.take(report(), now: 0)
        #expect(desk.due(now: 1).isEmpty)
        let told = desk.due(now: second)
        #expect(told.map(\.kind) == [.applicationDoubleSend])
        #expect(told.first?.route == "shop")
        #expect(told.first?.upstream?.address == "y:2")
        #expect(told.first?.upstream?.connection == 812)
        #expect(desk.due(now: 9 * second).isEmpty)
    }

    @Test func aMarkOfAnotherProcessIsNotBelieved() {
        _ = desk.take(report(), now: 0)
        let told = desk.rest()
        #expect(told.first?.route == "_none")
        #expect(told.first?.upstream == nil)
    }

    @Test func aCorrectionHolds() {
        _ = desk.take(report(), now: 0)
        var correction = ApplicationReport(id: "r1")
        correction.correctedOutcome = "crashed"
        _ = desk.take(correction, now: 1)
        #expect(desk.rest().first?.application?.outcome == "crashed")
    }

    @Test func aHangUpBehindItIsNotToldTwice() {
        _ = desk.take(report(), now: 0)
        #expect(desk.take(fullIncident(kind: .hangupAfterEnd), now: 1) == nil)
        #expect(desk.rest().map(\.kind) == [.applicationDoubleSend])
    }

    @Test func whatWentOutNamesTheGuiltyRequest() {
        _ = desk.take(report(request: "guilty", outcome: "sent"), now: 0)
        let told = desk.take(fullIncident(kind: .secondResponse), now: 1)
        #expect(told?.request?.id == "guilty")
        #expect(told?.upstream?.exchange == 3)
    }

    @Test func whoDoesNotKnowWhoItWasLeavesTheWiresWord() {
        var open = report(request: "another", outcome: "sent")
        open.attribution = .open
        _ = desk.take(open, now: 0)
        let wire = fullIncident()
        let told = desk.take(wire, now: 1)
        #expect(told?.application?.operation == "setHeader")
        #expect(told?.request?.id == wire.request?.id)
        #expect(told?.attribution == wire.attribution)
        #expect(told?.message == wire.message)
    }

    @Test func whatWaitsIsBounded() {
        var told = 0
        for number in 0..<(ApplicationDesk.reportsMax + 10) {
            told += desk.take(report("r\(number)", request: "q\(number)"), now: 0).count
        }
        #expect(told == 10)
        #expect(desk.rest().count == ApplicationDesk.reportsMax)
    }
}
