import CShim
import Glibc
import Report
import Testing

@testable import ProbeReports

/// A real socket: who may be heard there, however many hold their places.
@Suite(.timeLimit(.minutes(1))) struct ReportSocketTests {
    private let metrics = Metrics(
        schema: MetricsSchema(routes: [("shop", 0)], upstreams: [("u", ["127.0.0.1:1"])], listeners: ["l"]), version: "1")
    private let path = "/tmp/report-socket-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"

    private func count(_ result: String) -> Int {
        let name = "sendonce_probe_reports_total{result=\"\(result)\"} "
        let lines = String(decoding: metrics.exposition(.prometheus), as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) } ?? 0
    }

    /// What is on its way is there in the end; the limit of time ends what is not.
    private func wait(for count: Int, _ result: String) async throws {
        while self.count(result) < count { try await Task.sleep(for: .milliseconds(1)) }
    }

    private func connect() -> Int32 {
        var address = sockaddr_storage()
        _ = so_unix_address(path, &address)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let status = so_connect(descriptor, &address, so_address_length(&address))
        precondition(status == 0, "connect: \(status)")
        return descriptor
    }

    private func send(_ text: String, _ descriptor: Int32) -> Int { so_send(descriptor, text, text.utf8.count) }

    private let line = #"{"schema":1,"id":"r","application":{"outcome":"crashed"}}"# + "\n"

    @Test func whoHoldsAPlaceAndSaysNothingSilencesNobody() async throws {
        let socket = try ReportSocket(path: path, recorder: IncidentRecorder(metrics: metrics, log: nil))
        defer { socket.stop() }
        var silent: [Int32] = []
        defer { for descriptor in silent { close(descriptor) } }
        // The first has spoken last: the newcomers take the places of the next two.
        for place in 0..<ReportSocket.connectionsMax {
            silent.append(connect())
            #expect(send(line + (place == 1 ? "" : #"{"half"#), silent[place]) > 0)
        }
        try await wait(for: ReportSocket.connectionsMax, "taken")
        #expect(send(#": "#, silent[0]) > 0)
        #expect(send(line, silent[0]) > 0)
        try await wait(for: 1, "invalid")
        for _ in 0..<2 { silent.append(connect()) }
        for place in silent.indices.suffix(2) { #expect(send(line, silent[place]) > 0) }
        try await wait(for: ReportSocket.connectionsMax + 2, "taken")
        #expect(count("refused") == 2)
        // Whole lines were all that the second had sent, half a line the third.
        #expect(count("invalid") == 2)
        #expect(send(line, silent[1]) == -Int(EPIPE))
        #expect(send(line, silent[2]) == -Int(EPIPE))
        #expect(send(line, silent[0]) > 0)
        try await wait(for: ReportSocket.connectionsMax + 3, "taken")
    }
}
