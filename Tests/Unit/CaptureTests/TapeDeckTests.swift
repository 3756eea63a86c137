import Detector
import Glibc
import Report
import Testing
import Traces

@testable import Capture

/// Which connections are written down: those of an incident, also when they have ended, and no more at once than may be.
struct TapeDeckTests {
    private final class Stage {
        let path: String
        let store: CaptureStore
        var deck: TapeDeck

        init() throws {
            var template = Array("/tmp/tape-deck-tests-XXXXXX".utf8CString)
            path = String(cString: mkdtemp(&template))
            let metrics = Metrics(schema: MetricsSchema(routes: [], upstreams: [], listeners: []), version: "test")
            store = try CaptureStore(
                folder: path, keep: 100, policy: CapturePolicy(), program: "test", metrics: metrics, report: { _ in })
            deck = TapeDeck(store)
        }

        deinit {
            store.close()
            for name in CaptureStore.names(in: path) { unlink("\(path)/\(name)") }
            rmdir(path)
        }

        /// One request and its answer on a connection.
        func exchange(_ descriptor: Int32) {
            deck.sent(descriptor, Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), at: 1_000)
            receive(descriptor, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }

        func receive(_ descriptor: Int32, _ text: String, hasEnded: Bool = false) {
            Array(text.utf8).withUnsafeBufferPointer {
                deck.received(descriptor, $0, hasEnded: hasEnded, isReset: false, at: 2_000)
            }
        }

        /// The name of the file that an incident of the connection has, nil when there is none.
        func capture(_ connection: UInt64, _ number: Int) -> String? {
            let digits = "\(number)"
            let id = "01M8EM1DZ3KEGX06C7S1" + String(repeating: "0", count: 6 - digits.count) + digits
            var incident = Incident(
                timeNanoseconds: 0, id: id, severity: .error, kind: .secondResponse, certainty: .proven, origin: .upstream,
                action: .contain, clientImpact: .none, message: "m", route: "r", protocolName: "http/1.1",
                evidence: .init(phase: .idle))
            incident.upstream = .init(name: "app", address: "127.0.0.1:1", connection: connection, exchange: 1)
            deck.capture(&incident)
            return incident.capture
        }

        /// What has been written, when all has.
        func written() -> [String: String] {
            store.close()
            var files: [String: String] = [:]
            for name in CaptureStore.names(in: path) {
                files[name] = String(decoding: CaptureStore.read(name, in: path) ?? [], as: UTF8.self)
            }
            return files
        }
    }

    @Test func anIncidentsConnectionIsWritten() throws {
        let stage = try Stage()
        for connection in 1...3 as ClosedRange<UInt64> {
            stage.deck.begin(Int32(connection), connection: connection)
            stage.exchange(Int32(connection))
        }
        let name = try #require(stage.capture(2, 1))
        #expect(name == "01M8EM1DZ3KEGX06C7S1000001.trace")
        #expect(stage.capture(2, 2) == name, "one file a connection")
        #expect(stage.capture(9, 3) == nil, "nobody knows that one")
        stage.receive(2, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", hasEnded: true)
        stage.deck.end(2)
        let files = stage.written()
        #expect(Array(files.keys) == [name])
        let text = try #require(files[name])
        #expect(text.contains("HTTP/1.1 500 Oh") && text.contains("FIN") && text.contains("connection 2"))
        #expect(text.split(separator: "\n").count { $0.hasPrefix("!") } == 2, "both incidents are written")
    }

    /// A hang-up is judged when its server has had time to explain it: its connection has gone by then.
    @Test func aConnectionThatHasEndedIsKnownForAWhile() throws {
        let stage = try Stage()
        for connection in 1...20 as ClosedRange<UInt64> {
            // Descriptors are given out again.
            stage.deck.begin(5, connection: connection)
            stage.exchange(5)
            stage.receive(5, "", hasEnded: true)
            stage.deck.end(5)
        }
        #expect(stage.capture(4, 1) == nil, "of those that ended first nothing is left")
        let name = try #require(stage.capture(5, 2))
        #expect(stage.written()[name]?.contains("FIN") == true)
    }

    @Test func nothingIsWrittenOfWhoHasServedNobody() throws {
        let stage = try Stage()
        stage.deck.begin(1, connection: 1)
        stage.receive(1, "HTTP/1.1 408 Request Timeout\r\n\r\n", hasEnded: true)
        #expect(stage.capture(1, 1) == nil)
        #expect(stage.written().isEmpty)
    }

    @Test func noMoreAtOnceThanMayBe() throws {
        let stage = try Stage()
        let names = (1...30).map { number -> String? in
            stage.deck.begin(Int32(number), connection: UInt64(number))
            stage.exchange(Int32(number))
            return stage.capture(UInt64(number), number)
        }
        let begun = names.count { $0 != nil }
        #expect(begun >= Int(CaptureLimit.burst) && begun <= Int(CaptureLimit.burst) + 2)
        #expect(names.prefix(Int(CaptureLimit.burst)).allSatisfy { $0 != nil })
    }

    @Test func aTraceNamesSoManyIncidentsAndNoMore() throws {
        let stage = try Stage()
        stage.deck.begin(1, connection: 1)
        stage.exchange(1)
        let names = (1...40).map { stage.capture(1, $0) }
        #expect(names.count { $0 != nil } == CaptureLimit.incidentsMax)
    }

    @Test func strangersDescriptorsAreNobodysMatter() throws {
        let stage = try Stage()
        stage.exchange(77)
        stage.deck.end(77)
        #expect(stage.capture(0, 1) == nil && stage.written().isEmpty)
    }
}
