import Detector
import Report

/// What each path answers. All of it only reads.
struct AdminRoutes: Sendable {
    let sources: AdminSources
    let admitted: AdmittedHosts

    func response(to request: AdminRequest) -> AdminResponse {
        guard admitted.admit(request, names: sources.hosts()) else {
            return .problem(403, "this host is none of those that are served here: admin.hosts in the configuration names more")
        }
        let file = file(request.path)
        let path = AdminPath(rawValue: request.path)
        guard file != nil || path != nil else { return .problem(404, "no such resource") }
        guard request.method == "GET" || request.isHead else {
            var response = AdminResponse.problem(405, "only GET and HEAD are served here")
            response.extraFields = [("Allow", "GET, HEAD")]
            return response
        }
        guard let path else { return file ?? .problem(404, "no such resource") }
        return response(to: request, path)
    }

    /// What is served under its own name: a part of the page, or a captured trace.
    private func file(_ path: String) -> AdminResponse? {
        if path.hasPrefix("/page/") { return PageFile.served(path.dropFirst(6)).map(Self.pageFile) }
        guard path.hasPrefix("/captures/"), let bytes = sources.capture(String(path.dropFirst(10))) else { return nil }
        var response = AdminResponse(contentType: "text/plain; charset=utf-8", body: bytes)
        response.extraFields = [("Content-Disposition", "attachment")]
        return response
    }

    private func captures() -> AdminResponse {
        var json = JSONText()
        json.object { $0.strings("captures", sources.captures()) }
        return AdminResponse(body: json.bytes + [0x0A])
    }

    private func response(to request: AdminRequest, _ path: AdminPath) -> AdminResponse {
        switch path {
        case .page: page(request)
        case .metrics: metrics(request)
        case .health: AdminResponse(body: Array("{\"status\":\"ok\"}\n".utf8))
        case .readiness: readiness()
        case .incidents: incidents(request)
        case .stream: stream(request)
        case .upstreams: AdminResponse(body: sources.upstreams())
        case .routes: AdminResponse(body: sources.metrics.routesJSON)
        case .explanations: AdminResponse(body: GuideJSON.document)
        case .captures: captures()
        case .configuration: AdminResponse(body: sources.configuration())
        }
    }

    private func page(_ request: AdminRequest) -> AdminResponse {
        let incidents = sources.ring.incidents(limit: AdminLimit.incidentsMax).map {
            RecordedIncident($0.incident, record: $0.json)
        }
        let page = IncidentPage(query: PageQuery(request), metrics: sources.metrics, incidents: incidents)
        return Self.guarded(AdminResponse(contentType: "text/html; charset=utf-8", body: page.html))
    }

    private static func pageFile(_ file: PageFile) -> AdminResponse {
        guarded(AdminResponse(contentType: file.contentType, body: file.bytes))
    }

    private static func guarded(_ response: AdminResponse) -> AdminResponse {
        var response = response
        response.extraFields = [
            ("Content-Security-Policy", IncidentPage.securityPolicy), ("Referrer-Policy", "no-referrer"),
            ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        return response
    }

    private func metrics(_ request: AdminRequest) -> AdminResponse {
        let format = ExpositionFormat(accept: request.accept)
        var response = AdminResponse(contentType: format.contentType, body: sources.metrics.exposition(format))
        response.extraFields = [("Vary", "Accept")]
        return response
    }

    private func readiness() -> AdminResponse {
        let readiness = sources.readiness()
        var json = JSONText()
        json.object { json in
            json.bool("ready", readiness.isReady)
            if !readiness.isReady { json.strings("problems", readiness.problems) }
        }
        return AdminResponse(status: readiness.isReady ? 200 : 503, body: json.bytes + [0x0A])
    }

    private func incidents(_ request: AdminRequest) -> AdminResponse {
        guard let filter = filter(request) else { return Self.unknownKind }
        var limit = AdminLimit.incidentsDefault
        if let text = request.values(of: "limit").last {
            guard let number = Int(text), number >= 0 else { return .problem(400, "limit is not a number of incidents") }
            limit = min(number, AdminLimit.incidentsMax)
        }
        let after = request.values(of: "after").last.flatMap { $0.isEmpty ? nil : $0 }
        let entries = sources.ring.incidents(after: after, filter: filter, limit: limit)
        var body: [UInt8] = [UInt8(ascii: "[")]
        for (number, entry) in entries.enumerated() {
            if number > 0 { body.append(contentsOf: ",\n".utf8) }
            body.append(contentsOf: entry.json)
        }
        body.append(contentsOf: "]\n".utf8)
        return AdminResponse(body: body)
    }

    private func stream(_ request: AdminRequest) -> AdminResponse {
        guard let filter = filter(request) else { return Self.unknownKind }
        let last = request.lastEventID ?? request.values(of: "after").last
        let sequence = last.flatMap { $0.isEmpty ? nil : sources.ring.sequence(ofIncident: $0) } ?? sources.ring.lastSequence
        // A first comment, so that the follower knows at once that it is connected.
        var response = AdminResponse(contentType: "text/event-stream", body: Array(": following\n\n".utf8))
        response.stream = IncidentStream(sequence: sequence, filter: filter)
        return response
    }

    /// Nil when a kind is asked for that does not exist.
    private func filter(_ request: AdminRequest) -> IncidentRing.Filter? {
        var filter = IncidentRing.Filter()
        for name in request.values(of: "kind") where !name.isEmpty {
            guard let kind = Kind(rawValue: name) else { return nil }
            filter.kinds.insert(kind)
        }
        filter.routes = Set(request.values(of: "route").filter { !$0.isEmpty })
        return filter
    }

    private static var unknownKind: AdminResponse {
        .problem(400, "no such kind; there are " + Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
}
