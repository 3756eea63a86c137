import Explanations
import Report

/// One group, and the tables beside the incidents.
extension IncidentPage {
    /// Records of the open group that are shown without scripts.
    private static let recordsMax = 50

    func detail(into html: inout HTMLText) {
        guard let name = query.group, let group = ShownGroup.groups(of: admitted).first(where: { $0.name == name }),
            let last = group.incidents.last
        else { return }
        let explanation = Explanation.of(last.kind)
        html.element("article", class: "detail") { html in
            html.element("header", class: "detail-head \(group.tone)") { html in
                html.link(query.pairs(group: nil), class: "back") { $0.text("All groups") }
                html.element("h2", "\(last.request?.method ?? "-") \(group.template)")
                html.element("p", class: "lead", "\(explanation.title). \(last.kind.rawValue)")
            }
            html.element("section", class: "card") { html in
                html.element("h3", "Records")
                html.element("ol") { html in
                    for incident in group.incidents.suffix(Self.recordsMax).reversed() {
                        html.element("li") { html in
                            html.element("span", class: "quiet", WallTime.rfc3339(nanoseconds: incident.timeNanoseconds) + " ")
                            html.text(incident.message)
                            html.element("code", " " + incident.id)
                        }
                    }
                }
            }
            remedy(explanation, into: &html)
        }
    }

    private func remedy(_ explanation: Explanation, into html: inout HTMLText) {
        html.element("section", class: "card") { html in
            html.element("h3", "How to mend it")
            html.element("ul", class: "practices") { html in
                for practice in explanation.practices { html.element("li") { $0.prose(practice) } }
            }
            html.element("p", class: "outcome") { $0.prose(explanation.example.outcome) }
            html.element("div", class: "pair") { html in
                html.element("div", class: "program before") { html in
                    html.element("h4", "Before")
                    html.element("pre", explanation.example.before)
                }
                html.element("div", class: "program after") { html in
                    html.element("h4", "After")
                    html.element("pre", explanation.example.after)
                }
            }
        }
    }

    func servers(into html: inout HTMLText) {
        table(["upstream", "server", "state"], into: &html) { html in
            for server in metrics.serverFigures {
                html.element("tr") { html in
                    html.element("td", server.upstream)
                    html.element("td", class: "address", server.address)
                    html.element("td") { html in
                        html.element("span", class: server.isUp ? "tag good" : "tag proven", server.isUp ? "up" : "down")
                        if server.isQuarantined { html.element("span", class: "tag suspected", "quarantine") }
                    }
                }
            }
        }
    }

    func routes(into html: inout HTMLText) {
        table(["route", "upstream", "requests", "5xx", "incidents"], into: &html) { html in
            for route in metrics.routeFigures {
                html.element("tr") { html in
                    html.element("td", route.name)
                    html.element("td", route.upstream)
                    for number in [route.requests, route.statuses[4], route.incidents] { html.element("td", "\(number)") }
                }
            }
        }
    }

    func endpoints(into html: inout HTMLText) {
        for path in AdminPath.allCases {
            html.element("tr") { html in
                html.markup("<th scope=\"row\"><a href=\"")
                html.text("." + path.rawValue)
                html.markup("\">")
                html.text(path.rawValue)
                html.markup("</a></th>")
                html.element("td", path.meaning)
            }
            html.markup("\n")
        }
    }

    private func table(_ heads: [String], into html: inout HTMLText, _ fill: (inout HTMLText) -> Void) {
        html.element("table") { html in
            html.element("thead") { html in
                html.element("tr") { html in
                    for head in heads { html.element("th", head) }
                }
            }
            html.element("tbody", fill)
        }
    }
}
