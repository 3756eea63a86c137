import Explanations
import Report

/// The page as it is without scripts: all of it a table or a text. Its scripts put the living page in the place of this one.
struct IncidentPage {
    /// Nothing but what this endpoint serves itself; no script makes markup of text.
    static let securityPolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
        form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'
        """

    let query: PageQuery
    let metrics: Metrics
    /// The oldest first, with what redaction has left of their paths.
    let incidents: [RecordedIncident]

    /// page.html with its marks, `<!--name-->`, filled in.
    var html: [UInt8] {
        var html = HTMLText()
        var rest = (PageFile.named(PageFile.template)?.bytes ?? [])[...]
        while let start = Self.place(of: Self.opening, in: rest),
            let end = Self.place(of: Self.closing, in: rest[(start + Self.opening.count)...])
        {
            html.trusted(rest[..<start])
            fill(String(decoding: rest[(start + Self.opening.count)..<end], as: UTF8.self), into: &html)
            rest = rest[(end + Self.closing.count)...]
        }
        html.trusted(rest)
        return html.bytes
    }

    private static let opening = Array("<!--".utf8)
    private static let closing = Array("-->".utf8)

    private static func place(of mark: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.indices.first { bytes[$0] == mark[0] && bytes[$0...].starts(with: mark) }
    }

    private func fill(_ mark: String, into html: inout HTMLText) {
        switch mark {
        case "time": html.text(WallTime.rfc3339(nanoseconds: WallTime.nowNanoseconds()).prefix(19) + " UTC")
        case "version": html.text(metrics.version)
        case "text": html.text(query.text)
        case "selects": selects(into: &html)
        case "groups": groups(into: &html)
        case "detail": detail(into: &html)
        case "servers": servers(into: &html)
        case "routes": routes(into: &html)
        case "endpoints": endpoints(into: &html)
        default: break
        }
    }

    private func selects(into html: inout HTMLText) {
        for field in PageQuery.fields {
            let wanted = query.wanted[field] ?? []
            let values = Set(incidents.map { PageQuery.value(of: field, $0.incident) } + wanted).sorted()
            html.markup("<select name=\"")
            html.text(field)
            html.markup("\" aria-label=\"")
            html.text(field)
            html.markup("\"><option value=\"\">any ")
            html.text(field)
            html.markup("</option>")
            for value in values {
                html.markup(wanted == [value] ? "<option selected value=\"" : "<option value=\"")
                html.text(value)
                html.markup("\">")
                html.text(value)
                html.markup("</option>")
            }
            html.markup("</select>\n")
        }
    }

    var admitted: [RecordedIncident] { incidents.filter { query.admits($0.incident) } }

    private func groups(into html: inout HTMLText) {
        let groups = ShownGroup.groups(of: admitted)
        guard !groups.isEmpty else {
            let text = incidents.isEmpty ? "Every answer was sent once." : "Nothing matches these filters."
            return html.element("div", class: "nothing") { $0.element("p", class: "headline", text) }
        }
        html.element("div", class: "rows") { html in
            for group in groups { row(group, into: &html) }
        }
    }

    private func row(_ group: ShownGroup, into html: inout HTMLText) {
        guard let last = group.incidents.last else { return }
        html.link(query.pairs(group: group.name), class: "row \(group.tone)") { html in
            html.element("span", class: "what") { html in
                html.element("span", class: "request") { html in
                    html.element("b", class: "method", last.request?.method ?? "-")
                    html.text(" " + group.template)
                }
                html.element("span", class: "kind", Explanation.of(last.kind).title)
            }
            html.element("span", class: "tags") { html in
                html.element("span", class: "tag", last.route)
                html.element(
                    "span", class: "tag \(group.isProven ? "proven" : "suspected")", group.isProven ? "proven" : "suspected")
                html.element("span", class: "tag impact-\(group.worstImpact.rawValue)", group.worstImpact.words)
            }
            html.element("span", class: "count") { html in
                html.text("\(group.count)")
                html.element("span", class: "unit", " times")
            }
            html.element("span", class: "last", WallTime.rfc3339(nanoseconds: last.timeNanoseconds).prefix(19))
        }
    }
}
