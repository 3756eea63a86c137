import Detector
import Testing
import Wire

@testable import Report

struct MetricsTests {
    private func value(_ metrics: Metrics, _ series: String, _ format: ExpositionFormat = .prometheus) -> String? {
        text(metrics.exposition(format)).split(separator: "\n").first { $0.hasPrefix(series + " ") }
            .map { String($0.dropFirst(series.count + 1)) }
    }

    @Test func everyIncidentSeriesExistsFromTheStart() {
        let exposition = text(Metrics(schema: testSchema(), version: "1").exposition(.prometheus))
        for kind in Kind.allCases {
            for certainty in kind.certainties {
                let labels = #"kind="\#(kind.rawValue)",certainty="\#(certainty.rawValue)",route="shop",upstream="legacy-shop""#
                #expect(exposition.contains("\nsendonce_incidents_total{\(labels)} 0\n"))
            }
        }
        #expect(!exposition.contains("sendonce_requests_total{"))
    }

    @Test func workersAreSummed() {
        let metrics = Metrics(schema: testSchema(), version: "1")
        let workers = [metrics.makeCounters(), metrics.makeCounters()]
        for worker in workers {
            worker.countRequest(route: 0, method: .get, status: 200)
            worker.countRequest(route: metrics.schema.noRoute, method: .other, status: 404)
            worker.countRequest(route: 0, method: .get, status: 1000)
            worker.countRequest(route: 0, method: .get, status: -1)
            worker.changeClientConnections(listener: 0, by: 2)
            worker.changeClientConnections(listener: 0, by: -1)
            worker.changeUpstreamConnections(upstream: 0, .idle, by: 1)
            worker.countClosed(upstream: 0, .quarantine)
            worker.countRejected(.noRoute)
            worker.countRetry(upstream: 0)
            worker.addSurplus(upstream: 0, bytes: 85)
            worker.addReceived(.upstream, bytes: 1 << 40)
            worker.addSent(.client, bytes: 3)
        }
        #expect(value(metrics, #"sendonce_requests_total{route="shop",upstream="legacy-shop",method="GET",code="200"}"#) == "2")
        #expect(value(metrics, #"sendonce_requests_total{route="_none",upstream="_none",method="_OTHER",code="404"}"#) == "2")
        #expect(value(metrics, #"sendonce_requests_total{route="shop",upstream="legacy-shop",method="GET",code="999"}"#) == "2")
        #expect(value(metrics, #"sendonce_requests_total{route="shop",upstream="legacy-shop",method="GET",code="100"}"#) == "2")
        #expect(value(metrics, #"sendonce_client_connections{listener="127.0.0.1:8080"}"#) == "2")
        #expect(value(metrics, #"sendonce_upstream_connections{upstream="legacy-shop",state="idle"}"#) == "2")
        #expect(value(metrics, #"sendonce_upstream_connections{upstream="legacy-shop",state="active"}"#) == "0")
        let closed = #"sendonce_upstream_connections_closed_total{upstream="legacy-shop",reason="quarantine"}"#
        #expect(value(metrics, closed) == "2")
        #expect(value(metrics, #"sendonce_client_rejected_total{reason="no_route"}"#) == "2")
        #expect(value(metrics, #"sendonce_upstream_retries_total{upstream="legacy-shop"}"#) == "2")
        #expect(value(metrics, #"sendonce_surplus_bytes_total{upstream="legacy-shop"}"#) == "170")
        #expect(value(metrics, #"sendonce_received_bytes_total{side="upstream"}"#) == "\(2 << 40)")
        #expect(value(metrics, #"sendonce_sent_bytes_total{side="client"}"#) == "6")
    }

    @Test func histogramsAreCumulativeAndExact() {
        let metrics = Metrics(schema: testSchema(), version: "1")
        let worker = metrics.makeCounters()
        for nanoseconds: UInt64 in [1, 5_000_000, 5_000_001, 10_000_000_000, 10_000_000_001] {
            worker.observeRequestDuration(route: 0, nanoseconds: nanoseconds)
        }
        let labels = #"route="shop",upstream="legacy-shop""#
        for (bound, count) in [("0.005", "2"), ("0.01", "3"), ("7.5", "3"), ("10.0", "4"), ("+Inf", "5")] {
            #expect(value(metrics, #"sendonce_request_duration_seconds_bucket{\#(labels),le="\#(bound)"}"#) == count)
        }
        #expect(value(metrics, "sendonce_request_duration_seconds_sum{\(labels)}") == "20.010000003")
        #expect(value(metrics, "sendonce_request_duration_seconds_count{\(labels)}") == "5")
    }

    @Test func bucketsFollowTheirBounds() throws {
        for (index, bound) in DurationHistogram.bounds.dropLast().enumerated() {
            let nanoseconds = UInt64((try #require(Double(bound)) * 1e9).rounded())
            #expect(DurationHistogram.bucket(nanoseconds: nanoseconds) == index)
            #expect(DurationHistogram.bucket(nanoseconds: nanoseconds + 1) == index + 1)
        }
    }

    @Test func countersOutliveAReload() {
        let metrics = Metrics(schema: testSchema(routes: ["gone", "shop"]), version: "1")
        let old = metrics.makeCounters()
        old.countRequest(route: 1, method: .get, status: 200)
        old.countRequest(route: 0, method: .get, status: 200)
        old.changeClientConnections(listener: 0, by: 1)
        metrics.servers.setUp(upstream: 0, server: 1, false)
        metrics.install(testSchema(routes: ["shop", "new"]))
        let series = #"sendonce_requests_total{route="shop",upstream="legacy-shop",method="GET",code="200"}"#
        #expect(value(metrics, series) == "1")  // still in the old block
        let new = metrics.makeCounters()
        new.countRequest(route: 0, method: .get, status: 200)
        #expect(value(metrics, series) == "2")
        metrics.retire(old)
        #expect(value(metrics, series) == "2")
        new.changeClientConnections(listener: 0, by: -1)
        #expect(value(metrics, #"sendonce_client_connections{listener="127.0.0.1:8080"}"#) == "0")
        #expect(value(metrics, #"sendonce_requests_total{route="gone",upstream="legacy-shop",method="GET",code="200"}"#) == "1")
        #expect(value(metrics, #"sendonce_upstream_server_up{upstream="legacy-shop",server="127.0.0.1:3001"}"#) == "0")
        #expect(value(metrics, #"sendonce_upstream_server_up{upstream="legacy-shop",server="127.0.0.1:3000"}"#) == "1")
    }

    @Test func exemplarsOnlyInOpenMetrics() throws {
        let metrics = Metrics(schema: testSchema(), version: "1")
        metrics.count(fullIncident())
        let labels = #"kind="header_block_in_body",certainty="proven",route="shop",upstream="legacy-shop""#
        let series = "sendonce_incidents_total{\(labels)}"
        #expect(value(metrics, series) == "1")
        #expect(
            value(metrics, series, .openMetrics)
                == #"1 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 1 1795338903.123456789"#)
        var forged = fullIncident(kind: .lateInterim)
        forged.request?.traceID = "x\"} 1\n"
        metrics.count(forged)
        #expect(!text(metrics.exposition(.openMetrics)).contains("x\\\""))
    }

    @Test func anIncidentOfAnyLabelsIsCounted() {
        let metrics = Metrics(schema: testSchema(), version: "1")
        var incident = fullIncident(kind: .stalledResponse, route: "_none")
        incident.certainty = .suspected
        incident.upstream = nil
        metrics.count(incident)
        let series = #"sendonce_incidents_total{kind="stalled_response",certainty="suspected",route="_none",upstream="_none"}"#
        #expect(value(metrics, series) == "1")
    }

    @Test func reloads() {
        let metrics = Metrics(schema: testSchema(), version: "1")
        metrics.configurationLoaded(successfully: true, timeNanoseconds: 1_500_000_000)
        metrics.configurationLoaded(successfully: false, timeNanoseconds: 9_000_000_000)
        #expect(value(metrics, "sendonce_config_last_reload_successful") == "0")
        #expect(value(metrics, "sendonce_config_last_reload_success_timestamp_seconds") == "1.5")
    }

    @Test func theProcessIsDescribed() throws {
        let metrics = Metrics(schema: testSchema(), version: "1.2\"3")
        #expect(value(metrics, #"sendonce_build_info{version="1.2\"3"}"#) == "1")
        for name in [
            "resident_memory_bytes", "virtual_memory_bytes", "open_fds", "max_fds", "start_time_seconds", "cpu_seconds_total",
        ] {
            let number = try #require(value(metrics, "process_\(name)").flatMap { Double($0) })
            #expect(number > 0)
        }
        let start = try #require(value(metrics, "process_start_time_seconds").flatMap { Double($0) })
        let now = Double(WallTime.nowNanoseconds()) / 1e9
        #expect(start < now + 2 && start > now - 86400)
    }

    @Test(arguments: [
        ("", ExpositionFormat.prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
        ("application/openmetrics-text", .openMetrics), ("application/openmetrics-text;q=0", .prometheus),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", .openMetrics),
        ("application/openmetrics-text; version=\"1.0.0\"; q=0.2, text/plain;q=0.3", .prometheus),
        ("application/openmetrics-text;version=0.0.1,text/plain;q=0.3", .prometheus),
        ("application/openmetrics-text;q=nan;;,,;", .prometheus),
    ])
    func negotiation(accept: String, format: ExpositionFormat) { #expect(ExpositionFormat(accept: accept) == format) }
}
