import Detector
import Explanations
import Records

/// Shows a record in two lines: what happened and how certain that is; who did it, where, and what it did to the client.
///
/// The first record of each kind is followed by its remedy.
struct IncidentText {
    /// A path is not cut below this as long as something else can be.
    private static let pathWidthMin = 16

    private var explained: Set<String> = []

    mutating func lines(of record: Record, _ style: Style) -> [String] {
        let lines = [what(record, style), who(record, style)]
        guard explained.insert(record.kind).inserted, let kind = Kind(rawValue: record.kind) else { return lines }
        let remedy = style.cut("    \(Explanation.of(kind).remedy)")
        return lines + [remedy, style.cut("    sendonce explain \(record.kind)")].map { style.painted($0, .faint) }
    }

    private func what(_ record: Record, _ style: Style) -> String {
        let sign = style.sign(record.severity)
        let kind = Printable.text(record.kind)
        let certainty = record.text("certainty").map { " " + Printable.text($0) } ?? ""
        let plain = "\(sign) \(record.instant.text) \(kind)\(certainty)  "
        let facts = style.cut(Printable.text(facts(of: record)), taken: TextWidth.of(plain))
        if let width = style.width, TextWidth.of(plain) > width { return style.cut(plain + facts) }
        return style.painted(sign, style.colour(record.severity)) + " " + style.painted(record.instant.text, .faint) + " "
            + style.painted(kind, style.colour(record.severity)) + certainty + "  " + facts
    }

    /// What was seen: the second header block, the rule that was broken or the fields, how many bytes, and when.
    private func facts(of record: Record) -> String {
        var facts: [String] = []
        if let line = record.text("code") ?? record.text("start_line") ?? record.text("reason") ?? record.text("second_fields")
        {
            facts.append(line)
        }
        if let bytes = record.text("surplus_bytes") { facts.append("\(bytes) bytes") }
        if let moment = moment(of: record) { facts.append(moment) }
        return facts.isEmpty ? record.text("message") ?? "" : facts.joined(separator: ", ")
    }

    private func moment(of record: Record) -> String? {
        if let between = record.text("between_ms") { return "\(between) ms after the first send" }
        let delay = record.text("delay_ms").map { "\($0) ms" }
        switch record.text("phase") {
        case "in_body": return record.text("body_bytes").map { "\($0) bytes into the body" }
        case "after_end": return delay.map { "\($0) after the end" } ?? "right after the end"
        case "idle": return delay.map { "\($0) after the end" } ?? "on an idle connection"
        case "next_exchange": return "before the next answer"
        default: return nil
        }
    }

    /// The whole of it where it fits; else without what matters least, and with the path cut.
    private func who(_ record: Record, _ style: Style) -> String {
        let method = record.text("method").map { Printable.text($0) + " " } ?? ""
        let path = Printable.text(record.text("path") ?? "")
        let place = place(of: record)
        func tail(_ place: [String?], _ client: String?) -> String {
            ([status(of: record)] + place + [effect(on: record, client)] + held(record)).compactMap(\.self).map(Printable.text)
                .joined(separator: style.dot)
        }
        let client = record.text("client.address")
        guard let width = style.width else { return joined(method + path, tail(place, client), style) }
        var rest = ""
        for shorter in [tail(place, client), tail(place, nil), tail(Array(place.suffix(1)), nil)] {
            rest = shorter
            if 2 + TextWidth.of(method + path + style.dot + rest) <= width { return joined(method + path, rest, style) }
        }
        let room = width - 2 - TextWidth.of(method + style.dot + rest)
        let shortened = TextWidth.cutInMiddle(path, to: max(Self.pathWidthMin, room), gap: style.gap)
        return style.cut(joined(method + shortened, rest, style))
    }

    private func joined(_ request: String, _ rest: String, _ style: Style) -> String {
        "  " + [request, rest].filter { !$0.isEmpty }.joined(separator: style.dot)
    }

    private func status(of record: Record) -> String? {
        let certainty: String? =
            switch record.text("attribution") {
            case "likely": "likely the one"
            case "open": "one of several"
            default: nil
            }
        return [record.text("status"), certainty].compactMap(\.self).joined(separator: " ").nonEmpty
    }

    /// The lines of the source where the probe knows them, else the server.
    private func place(of record: Record) -> [String?] {
        let route = record.text("route")
        if let second = record.secondSend {
            return [route, "second send \(second.short)" + (record.firstSend.map { ", first \($0.short)" } ?? "")]
        }
        let server = [record.text("upstream.name"), record.text("upstream.address")].compactMap(\.self).joined(separator: " ")
        return [route, server.nonEmpty]
    }

    private func effect(on record: Record, _ address: String?) -> String? {
        let client = address.map { "client \($0)" } ?? "client"
        switch record.text("client_impact").flatMap(Impact.init) {
        case .some(.none): return "\(client) unharmed"
        case .badGateway: return "\(client) got 502"
        case .aborted: return "\(client) cut off"
        case .misdelivered:
            let victim = record.text("victim.path").map { " of \(record.text("victim.method") ?? "GET") \($0)" } ?? ""
            return "client\(victim) may have got another's answer"
        case nil: return nil
        }
    }

    private func held(_ record: Record) -> [String?] {
        [record.count > 1 ? "\(record.count - 1) more held back" : nil]
    }
}

extension String {
    fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
