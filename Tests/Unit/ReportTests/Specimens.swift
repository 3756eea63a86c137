import Detector
import Report

/// An incident with every fact, as the documentation shows it.
func fullIncident(kind: Kind = .headerBlockInBody, route: String = "shop") -> Incident {
    var evidence = Incident.Evidence(phase: .inBody)
    evidence.offset = 59
    evidence.connectionOffset = 4711
    evidence.surplusBytes = 85
    evidence.delayMilliseconds = 50.2
    evidence.proof = .accounting
    evidence.reason = "a rule"
    evidence.secondStatus = 500
    evidence.secondFields = ["content-type", "content-length"]
    evidence.startLine = "HTTP/1.1 500 Internal Server Error"
    evidence.sample = Array("HTTP/1.1 500 Internal Server Error\r\nSet-Cookie: sid=secret\r\n\r\n".utf8)
    var incident = Incident(
        timeNanoseconds: 1_795_338_903_123_456_789, id: "01JD9000000000000000000000", severity: .error, kind: kind,
        certainty: kind.certainties[0], origin: .upstream, action: .contain, clientImpact: .aborted,
        message: "upstream legacy-shop sent a second header block", route: route, protocolName: "http/1.1",
        evidence: evidence)
    incident.upstream = .init(name: "legacy-shop", address: "127.0.0.1:3000", connection: 812, exchange: 4)
    incident.client = .init(address: "10.0.0.9:51234", protocolName: "h2")
    incident.request = .init(
        id: "b1946ac9", method: "GET", path: "/orders/7?token=abc&x", host: "shop.example",
        traceID: "4bf92f3577b34da6a3ce929d0e0e4736", spanID: "00f067aa0ba902b7")
    incident.response = .init(status: 200, framing: "content-length", declaredBytes: 5, bodyBytes: 5)
    incident.victim = .init(id: "c0ffee", method: "GET", path: "/me?a=b")
    incident.attribution = .likely
    incident.capture = "ID.trace"
    incident.candidates = [
        .init(
            request: .init(id: "b1946ac9", method: "GET", path: "/orders/7"), route: route, status: 200,
            answeredMillisecondsBefore: 20.1, reason: "it came 20.1 ms after")
    ]
    return incident
}

/// What the probe adds to it.
func fullSend() -> ApplicationSend {
    var send = ApplicationSend(outcome: "swallowed", operation: "setHeader")
    send.code = "ERR_HTTP_HEADERS_SENT"
    send.status = 500
    send.field = "content-type"
    send.bytes = 12
    send.route = "/orders/:id"
    send.framework = "express"
    send.betweenMilliseconds = 20.1
    send.first = ["at first (/app/shop.js:16:7)"]
    send.firstOf = "route"
    send.second = ["at second (/app/shop.js:17:7)"]
    send.node = "v20.20.2"
    send.pid = 4711
    return send
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

func testSchema(routes: [String] = ["shop"], upstream: String = "legacy-shop") -> MetricsSchema {
    MetricsSchema(
        routes: routes.map { ($0, 0) }, upstreams: [(upstream, ["127.0.0.1:3000", "127.0.0.1:3001"])],
        listeners: ["127.0.0.1:8080"])
}
