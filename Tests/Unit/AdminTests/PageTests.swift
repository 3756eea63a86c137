import Detector
import Glibc
import Report
import Testing

@testable import Admin

/// The page without a browser: what is carried, and what a peer's text can do to it.
struct PageTests {
    private let metrics = Metrics(
        schema: MetricsSchema(routes: [("shop", 0)], upstreams: [("app", ["127.0.0.1:1"])], listeners: []), version: "1.2.3")

    private func request(_ target: String) -> AdminRequest {
        guard case .request(let request, _) = AdminRequest.parse(Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) else {
            preconditionFailure("not a request: \(target)")
        }
        return request
    }

    private func page(_ target: String = "/", _ incidents: [Incident] = []) -> String {
        String(
            decoding: IncidentPage(
                query: PageQuery(request(target)), metrics: metrics,
                incidents: incidents.map { RecordedIncident($0, record: IncidentRecord().json($0)) }
            ).html,
            as: UTF8.self)
    }

    private func incident(_ path: String, id: String = "01A") -> Incident {
        var incident = Incident(
            timeNanoseconds: 1_700_000_000_000_000_000, id: id, severity: .error, kind: .secondResponse, certainty: .proven,
            origin: .upstream, action: .contain, clientImpact: .none, message: "sent twice: \(path.split(separator: "?")[0])",
            route: "shop",
            protocolName: "http/1.1", evidence: .init(phase: .idle))
        incident.request = .init(id: "r", method: "GET", path: path)
        return incident
    }

    /// Where this file is, Sources/Admin/Page is known.
    private var folder: String {
        #filePath.split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/Sources/Admin/Page/"
    }

    @Test func theProgramCarriesTheFilesAsTheyAre() throws {
        #expect(PageFile.all.count > 10)
        for file in PageFile.all {
            let stream = try #require(fopen(folder + file.name, "r"))
            var bytes = [UInt8](repeating: 0, count: 1 << 20)
            let count = fread(&bytes, 1, bytes.count, stream)
            fclose(stream)
            #expect(Array(bytes[..<count]) == file.bytes, "\(file.name): scripts/page writes it anew")
        }
        let directory = try #require(opendir(folder))
        var found = 0
        while let entry = readdir(directory) {
            if entry.pointee.d_name.0 != Int8(UInt8(ascii: ".")) { found += 1 }
        }
        closedir(directory)
        #expect(found == PageFile.all.count)
    }

    @Test func everyMarkIsFilledIn() {
        let html = page()
        #expect(!html.contains("<!--"))
        #expect(html.contains("Every answer was sent once."))
        #expect(html.contains("SendOnce 1.2.3"))
        for path in AdminPath.allCases { #expect(html.contains(">\(path.rawValue)</a>")) }
        #expect(html.contains("127.0.0.1:1"))
    }

    @Test func aHostilePathIsText() {
        let hostile = "/<script>alert(1)</script>'\"&x=\"><img src=x onerror=alert(1)>"
        let html = page("/?q=%3Cscript%3E\"", [incident(hostile)])
        #expect(!html.contains("<script>alert"))
        let all = page("/?group=" + "nothing", [incident(hostile)])
        #expect(!all.contains("<script>alert"))
        #expect(!all.contains("<img src=x"))
        #expect(all.contains("&lt;script&gt;alert({id})&lt;/script&gt;"))
    }

    @Test func filtersAndGroups() {
        let incidents = [incident("/orders/7", id: "01A"), incident("/orders/8", id: "01B"), incident("/me", id: "01C")]
        let html = page("/", incidents)
        #expect(html.contains("/orders/{id}"))
        #expect(html.contains("<span class=\"count\">2<span"))
        #expect(RecordedIncident(incident("/a/7.csv?x=1"), record: []).template == "/a/{id}.csv")
        let searched = page("/?q=%2Fme", incidents)
        #expect(!searched.contains("/orders/{id}"))
        #expect(page("/?kind=late_interim", incidents).contains("Nothing matches these filters."))
        let group = RecordedIncident(incidents[0], record: IncidentRecord().json(incidents[0])).group
        let opened = page("/?group=" + group.replacing("{", with: "%7B"), incidents)
        #expect(opened.contains("How to mend it"))
        #expect(opened.contains("sent twice: /orders/8"))
        #expect(!opened.contains("sent twice: /me"))
    }

    @Test func whatRedactionHidesCannotBeSearchedFor() {
        let html = page("/?q=hunter2", [incident("/login?password=hunter2")])
        #expect(html.contains("Nothing matches these filters."))
    }

    @Test func figuresOfRoutes() {
        let counters = metrics.makeCounters()
        counters.countRequest(route: 0, method: .get, status: 200)
        counters.countRequest(route: 0, method: .post, status: 503)
        counters.observeRequestDuration(route: 0, nanoseconds: 7_000_000)
        var incident = incident("/")
        incident.upstream = .init(name: "app", address: "127.0.0.1:1", connection: 1, exchange: 1)
        metrics.count(incident)
        let json = String(decoding: metrics.routesJSON, as: UTF8.self)
        #expect(
            json.contains(
                """
                {"name":"shop","upstream":"app","requests":2,"statuses":{"1":0,"2":1,"3":0,"4":0,"5":1},\
                "durations":[0,1,0,0,0,0,0,0,0,0,0,0,0,0,0],"incidents":1}
                """))
        #expect(json.contains("\"duration_bounds\":[0.005,0.01,"))
    }
}
