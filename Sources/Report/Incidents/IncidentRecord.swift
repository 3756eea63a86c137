import Detector

/// The JSON form of an incident: one object, keys in the documented order, absent facts absent.
public struct IncidentRecord: Sendable {
    /// Version of the record's shape.
    public static let schema = 1

    public var policy: EvidencePolicy

    public init(policy: EvidencePolicy = EvidencePolicy()) { self.policy = policy }

    /// The object, without the newline that ends it in a log.
    public func json(_ incident: Incident) -> [UInt8] {
        var json = JSONText()
        json.object { json in
            json.string("time", WallTime.rfc3339(nanoseconds: incident.timeNanoseconds))
            json.string("id", incident.id)
            json.number("schema", Self.schema)
            json.string("severity", incident.severity.rawValue)
            json.string("kind", incident.kind.rawValue)
            json.string("certainty", incident.certainty.rawValue)
            json.string("attribution", incident.attribution?.rawValue)
            json.string("origin", incident.origin.rawValue)
            json.string("action", incident.action.rawValue)
            json.string("client_impact", incident.clientImpact.rawValue)
            json.string("message", cut(incident.message))
            json.string("route", incident.route)
            json.string("protocol", incident.protocolName)
            parties(of: incident, into: &json)
            if let response = incident.response { json.object("response") { describe(response, into: &$0) } }
            json.object("evidence") { describe(incident.evidence, of: incident, into: &$0) }
            if let victim = incident.victim {
                json.object("victim") { json in
                    json.string("request_id", cut(victim.id))
                    json.string("method", cut(victim.method))
                    json.string("path", path(of: victim))
                }
            }
            if !incident.candidates.isEmpty { json.objects("candidates", incident.candidates) { describe($1, into: &$0) } }
            if let application = incident.application { json.object("application") { application.write(into: &$0) } }
            json.string("group", group(of: incident))
            json.string("capture", incident.capture)
            json.number("suppressed", incident.suppressed)
        }
        return json.bytes
    }

    private func parties(of incident: Incident, into json: inout JSONText) {
        if let upstream = incident.upstream {
            json.object("upstream") { json in
                json.string("name", upstream.name)
                json.string("address", upstream.address)
                json.number("connection", upstream.connection)
                json.number("exchange", UInt64(upstream.exchange))
            }
        }
        if let client = incident.client {
            json.object("client") { json in
                json.string("address", client.address)
                json.string("protocol", client.protocolName)
            }
        }
        guard let request = incident.request else { return }
        json.object("request") { json in
            // A program that is asked by others than us may see no id.
            json.string("id", request.id.isEmpty ? nil : cut(request.id))
            json.string("method", cut(request.method))
            json.string("path", path(of: request))
            json.string("host", cut(request.host))
            json.string("template", template(of: incident))
            json.string("trace_id", cut(request.traceID))
            json.string("span_id", cut(request.spanID))
        }
    }

    private func describe(_ response: Incident.Response, into json: inout JSONText) {
        json.number("status", response.status)
        json.string("framing", response.framing)
        json.number("declared_bytes", response.declaredBytes)
        json.number("body_bytes", response.bodyBytes)
    }

    private func describe(_ candidate: Incident.Candidate, into json: inout JSONText) {
        json.string("request_id", cut(candidate.request.id))
        json.string("method", cut(candidate.request.method))
        json.string("path", path(of: candidate.request))
        json.string("route", candidate.route)
        json.number("status", candidate.status)
        json.number("answered_ms_before", candidate.answeredMillisecondsBefore)
        json.string("reason", cut(candidate.reason))
    }

    private func describe(_ evidence: Incident.Evidence, of incident: Incident, into json: inout JSONText) {
        json.string("phase", evidence.phase.rawValue)
        json.number("offset", evidence.offset)
        json.number("connection_offset", evidence.connectionOffset)
        json.number("surplus_bytes", evidence.surplusBytes)
        json.number("delay_ms", evidence.delayMilliseconds)
        json.string("proof", evidence.proof?.rawValue)
        json.string("reason", cut(evidence.reason))
        json.number("second_status", evidence.secondStatus)
        let names = evidence.secondFields ?? evidence.fields
        json.strings("second_fields", names?.prefix(ReportLimit.fieldNamesMax).map { cut($0, ReportLimit.fieldNameBytesMax) })
        json.string("start_line", startLine(of: incident))
        json.string("sample", sample(of: incident))
    }

    /// The path without what varies: by the application's own route where that is known.
    private func template(of incident: Incident) -> String? {
        if let route = incident.application?.route { return PathTemplate.ofRoute(route) }
        return incident.request.map { PathTemplate.ofPath($0.path) }
    }

    private func group(of incident: Incident) -> String {
        IncidentGroup.of(
            kind: incident.kind.rawValue, route: incident.route, method: incident.request?.method ?? "",
            template: template(of: incident) ?? "", secondStatus: incident.evidence.secondStatus ?? 0)
    }

    private func path(of request: Incident.Request) -> String {
        cut(policy.keepQuery ? request.path : QueryRedaction.redacted(request.path))
    }

    private func startLine(of incident: Incident) -> String? {
        guard let line = incident.evidence.startLine else { return nil }
        // A client's start line carries its query.
        guard incident.origin == .client, !policy.keepQuery else { return cut(line, ReportLimit.startLineBytesMax) }
        let redacted = QueryRedaction.redacted(requestLine: Array(line.utf8)[...])
        return cut(String(decoding: redacted, as: UTF8.self), ReportLimit.startLineBytesMax)
    }

    private func sample(of incident: Incident) -> String? {
        guard policy.sample == .escaped, let sample = incident.evidence.sample else { return nil }
        let text = SampleText(
            beginsInBlock: incident.kind == .headerBlockInBody, isRequest: incident.origin == .client,
            keepQuery: policy.keepQuery)
        return text.escaped(sample.prefix(policy.sampleBytesMax))
    }

    private func cut(_ text: String?) -> String? { text.map { cut($0) } }

    private func cut(_ text: String, _ bytesMax: Int = ReportLimit.textBytesMax) -> String {
        guard text.utf8.count > bytesMax else { return text }
        return String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self) + "..."
    }
}
