/// What is served, and what it is for: the page lists it.
enum AdminPath: String, CaseIterable {
    case page = "/"
    case metrics = "/metrics"
    case health = "/healthz"
    case readiness = "/readyz"
    case incidents = "/incidents"
    case stream = "/incidents/stream"
    case upstreams = "/upstreams"
    case routes = "/routes"
    case explanations = "/explanations"
    case captures = "/captures"
    case configuration = "/config"

    var meaning: String {
        switch self {
        case .page: "this page"
        case .metrics: "metrics for Prometheus: text, or OpenMetrics with exemplars when it is asked for"
        case .health: "200 as long as the process is up"
        case .readiness: "200 when traffic may be sent here, else 503 with the reasons"
        case .incidents: "the last incidents as JSON: ?kind= ?route= ?after=ID ?limit="
        case .stream: "incidents as they happen, as server-sent events: ?kind= ?route= ?after=ID"
        case .upstreams: "servers with health, connections and quarantine, as JSON"
        case .routes: "requests, durations and incidents of each route, as JSON"
        case .explanations: "what each kind of incident means and how to mend it, as JSON"
        case .captures: "names of the traces that incidents.capture has written, as JSON; /captures/NAME is one of them"
        case .configuration: "the configuration in force as JSON, without secrets"
        }
    }
}
