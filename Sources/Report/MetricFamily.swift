/// Every metric that `/metrics` shows: the table that the exposition is written from and docs/metrics.md is checked against.
public enum MetricFamily: Int, CaseIterable, Sendable {
    case incidents, incidentsSuppressed, incidentsDropped, surplusBytes, accessLinesDropped
    case probeReports
    case requests, requestDuration, upstreamResponseHeader
    case upstreamConnections, upstreamConnectionsClosed, upstreamServerUp, upstreamServerQuarantined, upstreamRetries
    case upstreamRetriesRefused, upstreamRejected, upstreamShortRests
    case clientConnections, clientRejected, receivedBytes, sentBytes
    case eventLoopLag, configLastReloadSuccessful, configLastReloadSuccessTimestamp, workerProcessRestarts, buildInfo
    case processCPU, processResidentMemory, processVirtualMemory, processOpenFDs, processMaxFDs, processStartTime

    public enum Sort: String, Sendable { case counter, gauge, histogram, info }

    public struct Description: Sendable {
        /// As Prometheus knows it: counters with `_total`, the info with `_info`.
        public var name: String
        public var sort: Sort
        public var labels: [String]
        public var help: String
    }

    public var description: Description {
        switch self {
        case .incidents, .incidentsSuppressed, .incidentsDropped, .surplusBytes, .accessLinesDropped, .probeReports: ofIncidents
        case .requests, .requestDuration, .upstreamResponseHeader, .upstreamRetries, .upstreamRetriesRefused, .upstreamRejected:
            ofExchanges
        case .upstreamConnections, .upstreamConnectionsClosed, .upstreamServerUp, .upstreamServerQuarantined,
            .upstreamShortRests:
            ofUpstreams
        case .clientConnections, .clientRejected, .receivedBytes, .sentBytes: ofClients
        default: ofProcess
        }
    }

    private var ofIncidents: Description {
        switch self {
        case .incidents:
            .init(
                name: "sendonce_incidents_total", sort: .counter, labels: ["kind", "certainty", "route", "upstream"],
                help: "Incidents, whether or not their records were written.")
        case .incidentsSuppressed:
            .init(
                name: "sendonce_incidents_suppressed_total", sort: .counter, labels: ["kind"],
                help: "Incident records held back by the limit.")
        case .incidentsDropped:
            .init(
                name: "sendonce_incidents_dropped_total", sort: .counter, labels: ["sink"],
                help: "Incident records lost because a sink could not take them.")
        case .accessLinesDropped:
            .init(
                name: "sendonce_access_log_dropped_total", sort: .counter, labels: [],
                help: "Access log lines lost because the log could not take them.")
        case .probeReports:
            .init(
                name: "sendonce_probe_reports_total", sort: .counter, labels: ["result"],
                help: "Lines that the probe has sent to its socket.")
        default:
            .init(
                name: "sendonce_surplus_bytes_total", sort: .counter, labels: ["upstream"],
                help: "Bytes that upstreams sent beyond the answers that were due.")
        }
    }

    private var ofExchanges: Description {
        switch self {
        case .requests:
            .init(
                name: "sendonce_requests_total", sort: .counter, labels: ["route", "upstream", "method", "code"],
                help: "Requests answered, by the status that the client got.")
        case .requestDuration:
            .init(
                name: "sendonce_request_duration_seconds", sort: .histogram, labels: ["route", "upstream"],
                help: "Time from a request's header block to the end of its answer.")
        case .upstreamResponseHeader:
            .init(
                name: "sendonce_upstream_response_header_seconds", sort: .histogram, labels: ["upstream"],
                help: "Time from the request's header block sent to the final header block received.")
        case .upstreamRetriesRefused:
            .init(
                name: "sendonce_upstream_retries_refused_total", sort: .counter, labels: ["upstream"],
                help: "Requests not sent again because too many had been, or because their bodies were not kept.")
        case .upstreamRejected:
            .init(
                name: "sendonce_upstream_rejected_total", sort: .counter, labels: ["upstream", "reason"],
                help: "Answers and connections of upstreams that the proxy turned away itself, by reason.")
        default:
            .init(
                name: "sendonce_upstream_retries_total", sort: .counter, labels: ["upstream"],
                help: "Requests sent again on another connection.")
        }
    }

    private var ofUpstreams: Description {
        switch self {
        case .upstreamShortRests:
            .init(
                name: "sendonce_upstream_short_rests_total", sort: .counter, labels: ["upstream"],
                help:
                    "Pooled connections that served another exchange before they had rested for `hold` (50 ms where it is `auto`)."
            )
        case .upstreamConnections:
            .init(
                name: "sendonce_upstream_connections", sort: .gauge, labels: ["upstream", "state"],
                help: "Open connections to upstreams.")
        case .upstreamConnectionsClosed:
            .init(
                name: "sendonce_upstream_connections_closed_total", sort: .counter, labels: ["upstream", "reason"],
                help: "Connections to upstreams that ended, by reason.")
        case .upstreamServerUp:
            .init(
                name: "sendonce_upstream_server_up", sort: .gauge, labels: ["upstream", "server"],
                help: "1 when the server takes requests, 0 when it is held to be down.")
        default:
            .init(
                name: "sendonce_upstream_server_quarantined", sort: .gauge, labels: ["upstream", "server"],
                help: "1 while the server's connections serve one exchange each after a proven incident.")
        }
    }

    private var ofClients: Description {
        switch self {
        case .clientConnections:
            .init(
                name: "sendonce_client_connections", sort: .gauge, labels: ["listener"],
                help: "Open connections from clients.")
        case .clientRejected:
            .init(
                name: "sendonce_client_rejected_total", sort: .counter, labels: ["reason"],
                help: "Connections and requests that the proxy turned away itself, by reason.")
        case .receivedBytes:
            .init(
                name: "sendonce_received_bytes_total", sort: .counter, labels: ["side"],
                help: "Bytes received from clients and from upstreams.")
        default:
            .init(
                name: "sendonce_sent_bytes_total", sort: .counter, labels: ["side"],
                help: "Bytes sent to clients and to upstreams.")
        }
    }

    private var ofProcess: Description {
        switch self {
        case .eventLoopLag:
            .init(
                name: "sendonce_event_loop_lag_seconds", sort: .histogram, labels: [],
                help: "Time that an event loop was late for a timer.")
        case .configLastReloadSuccessful:
            .init(
                name: "sendonce_config_last_reload_successful", sort: .gauge, labels: [],
                help: "1 when the last attempt to load the configuration succeeded.")
        case .configLastReloadSuccessTimestamp:
            .init(
                name: "sendonce_config_last_reload_success_timestamp_seconds", sort: .gauge, labels: [],
                help: "When the configuration in force was loaded, in seconds since the Unix epoch.")
        case .workerProcessRestarts:
            .init(
                name: "sendonce_worker_process_restarts_total", sort: .counter, labels: [],
                help: "Times that the worker process was started again after it had crashed.")
        case .buildInfo:
            .init(name: "sendonce_build_info", sort: .info, labels: ["version"], help: "The version that runs.")
        case .processCPU:
            .init(name: "process_cpu_seconds_total", sort: .counter, labels: [], help: "CPU time, user and system.")
        case .processResidentMemory:
            .init(name: "process_resident_memory_bytes", sort: .gauge, labels: [], help: "Resident memory.")
        case .processVirtualMemory:
            .init(name: "process_virtual_memory_bytes", sort: .gauge, labels: [], help: "Virtual memory.")
        case .processOpenFDs:
            .init(name: "process_open_fds", sort: .gauge, labels: [], help: "Open file descriptors.")
        case .processMaxFDs:
            .init(name: "process_max_fds", sort: .gauge, labels: [], help: "Most file descriptors that may be open.")
        default:
            .init(
                name: "process_start_time_seconds", sort: .gauge, labels: [],
                help: "When the process started, in seconds since the Unix epoch.")
        }
    }
}
