import Detector
import Explanations
import JSON
import Records

/// One incident told as a story: what travelled on the connection in which order, who was involved, and what to do about it.
public struct IncidentStory {
    private let record: Record

    public init(_ record: Record) { self.record = record }

    /// Terminal text: no line over 80 columns but for what cannot be broken, no control character.
    public var text: String { Terminal.render(blocks) }

    private var blocks: [Block] {
        [.heading(1, [said("kind"), request].compactMap(\.self).joined(separator: ": ")), .paragraph(said("message") ?? "")]
            + [.terms(facts)] + section("What travelled on the connection", timeline)
            + bytes + application + candidates + remedy
    }

    private func section(_ heading: String, _ lines: [(String, String)]) -> [Block] {
        lines.isEmpty ? [] : [.heading(2, heading), .terms(lines)]
    }

    /// A field's text, safe to print.
    private func said(_ path: String) -> String? {
        var value: JSON? = record.json
        for key in path.split(separator: ".") { value = value?[String(key)] }
        return value.map { Printable.text(Record.text($0)) }
    }

    private var request: String? {
        said("request.method").map { "\($0) \(said("request.template") ?? said("request.path") ?? "")" }
    }

    private var facts: [(String, String)] {
        var certainty = said("certainty") ?? ""
        if let attribution = said("attribution") { certainty += "; whose it was is \(attribution)" }
        let upstream = said("upstream.name").map {
            "\($0) at \(said("upstream.address") ?? "?"), connection \(said("upstream.connection") ?? "?"), "
                + "exchange \(said("upstream.exchange") ?? "?")"
        }
        let client = said("client.address").map { "\($0), \(said("client.protocol") ?? "")" }
        let held = said("suppressed").flatMap { $0 == "0" ? nil : $0 }
        return [
            ("when", said("time")), ("certainty", certainty), ("for the client", impact), ("route", said("route")),
            ("upstream", upstream), ("client", client), ("request", said("request.id")), ("trace", said("request.trace_id")),
            ("held back", held), ("incident", said("id")),
        ].compactMap { name, value in value.map { (name, $0) } }
    }

    private var impact: String? {
        switch said("client_impact") {
        case "none": "nothing: it got exactly its first, whole answer"
        case "aborted": "its answer was cut off"
        case "bad_gateway": "it got 502"
        case "misdelivered": "another request's answer may have reached it"
        case let other: other
        }
    }

    // MARK: The wire

    /// `>` to the upstream, `<` from it; what was not due bears a `!`.
    private var timeline: [(String, String)] {
        if said("kind") == Kind.applicationDoubleSend.rawValue { return sends }
        let phase = said("evidence.phase") ?? ""
        var lines: [(String, String)] = [
            (">", [said("request.method"), said("request.path")].compactMap(\.self).joined(separator: " "))
        ]
        if said("origin") == "client" { return [("!", lines[0].1 + ": " + (said("evidence.reason") ?? said("message") ?? ""))] }
        if phase != "in_head", let status = said("response.status") {
            lines.append(("<", "status \(status), the answer's header block"))
            if let body = said("response.body_bytes") {
                let declared =
                    said("response.declared_bytes").map { " of \($0) declared" } ?? said("response.framing").map { ", \($0)" }
                    ?? ""
                lines.append(("<", "\(body) bytes of body\(declared)"))
            }
        }
        if ["after_end", "idle", "next_exchange"].contains(phase) {
            lines.append(("<", "the answer's end: nothing more is due"))
        }
        if phase == "next_exchange" {
            let next = [said("victim.method"), said("victim.path")].compactMap(\.self).joined(separator: " ")
            lines.append((">", next.isEmpty ? "the next request" : next))
        }
        if let delay = said("evidence.delay_ms"), delay != "0" { lines.append(("", "\(delay) ms pass")) }
        lines.append(("!", offence))
        return lines
    }

    private var offence: String {
        let kind = said("kind").flatMap { Kind(rawValue: $0) }
        var text = said("evidence.start_line") ?? said("evidence.reason") ?? kind.map { Explanation.of($0).summary } ?? ""
        if let fields = record.json["evidence"]?["second_fields"]?.array, said("evidence.start_line") == nil {
            text += ": " + fields.map { Printable.text(Record.text($0)) }.joined(separator: ", ")
        }
        if let bytes = said("evidence.surplus_bytes") { text += ", \(bytes) bytes" }
        let places = [
            said("evidence.offset").map { "byte \($0) of the answer" },
            said("evidence.connection_offset").map { "byte \($0) of the connection" },
        ].compactMap(\.self)
        return places.isEmpty ? text : text + " (\(places.joined(separator: ", ")))"
    }

    private var bytes: [Block] {
        var blocks: [Block] = []
        if let sample = said("evidence.sample") { blocks += [.heading(2, "The first bytes that were not due"), .code(sample)] }
        if let capture = said("capture") {
            blocks += [.heading(2, "The connection was captured"), .code("sendonce replay \(capture)")]
        }
        return blocks
    }

    // MARK: The application

    private var sends: [(String, String)] {
        [
            (">", request ?? "a request"), ("<", "the first send: the client got this answer"),
            ("", said("application.between_ms").map { "\($0) ms pass" } ?? "a while passes"),
            (
                "!",
                "the second send, \(said("application.operation") ?? "unnamed"): \(said("application.outcome") ?? "refused")"
            ),
        ]
    }

    private var application: [Block] {
        guard record.json["application"] != nil else { return [] }
        let about = ["framework", "route", "code", "node"].compactMap { said("application.\($0)") }
        return [.heading(2, "In the application"), .paragraph(about.joined(separator: ", "))]
            + stack("first", "The first send:") + stack("second", "The second send:")
    }

    private func stack(_ key: String, _ heading: String) -> [Block] {
        guard let frames = record.json["application"]?[key]?.array, !frames.isEmpty else { return [] }
        return [.paragraph(heading), .code(frames.map { Printable.text(Record.text($0)) }.joined(separator: "\n"))]
    }

    private var candidates: [Block] {
        guard let found = record.json["candidates"]?.array, !found.isEmpty else { return [] }
        let lines = found.map { one in
            func text(_ key: String) -> String { one[key].map { Printable.text(Record.text($0)) } ?? "" }
            return
                "\(text("method")) \(text("path")) (\(text("status")), \(text("answered_ms_before")) ms before): \(text("reason"))"
        }
        return [.heading(2, "Whose answer it may have been, the likeliest first"), .bullets(lines)]
    }

    private var remedy: [Block] {
        guard let kind = said("kind").flatMap({ Kind(rawValue: $0) }) else { return [] }
        let explanation = Explanation.of(kind)
        return [.heading(2, "What to do"), .bullets(explanation.practices)]
            + [.paragraph("`sendonce explain \(kind.rawValue)` shows a program that does this, and the same program mended.")]
    }
}
