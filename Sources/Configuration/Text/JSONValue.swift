/// A JSON text in the making: what the settings in force look like on the admin endpoint.
enum JSONValue: Sendable {
    case null
    case number(Int)
    case text(String)
    case list([JSONValue])
    case object([(key: String, value: JSONValue)])

    /// Stands for a value that came from a secret environment variable.
    static let redaction = JSONValue.text("[REDACTED]")

    /// The value with the scalars at the given places replaced. A place may also lead to an object: where the file has a
    /// shorthand for a section, the scalar is further down.
    func redacted(at places: Set<Place>, from place: Place = Place()) -> JSONValue {
        switch self {
        case .list(let values):
            return .list(values.enumerated().map { $1.redacted(at: places, from: place.appending("\($0)")) })
        case .object(let members):
            return .object(members.map { ($0.key, $0.value.redacted(at: places, from: place.appending($0.key))) })
        case .null, .number, .text: return places.contains(place) ? Self.redaction : self
        }
    }

    /// On one line, without a space.
    var json: String {
        var output = ""
        write(to: &output)
        return output
    }

    /// As an operator would write it in the file: `[http1, http2]`, `null`, `64KiB`.
    var yaml: String {
        switch self {
        case .null: "null"
        case .number(let number): "\(number)"
        case .text(let text): text
        case .list(let values): "[\(values.map(\.yaml).joined(separator: ", "))]"
        case .object(let members): "{\(members.map { "\($0.key): \($0.value.yaml)" }.joined(separator: ", "))}"
        }
    }

    private func write(to output: inout String) {
        switch self {
        case .null: output += "null"
        case .number(let number): output += "\(number)"
        case .text(let text): Self.writeQuoted(text, to: &output)
        case .list(let values):
            output += "["
            for (index, value) in values.enumerated() {
                if index > 0 { output += "," }
                value.write(to: &output)
            }
            output += "]"
        case .object(let members):
            output += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { output += "," }
                Self.writeQuoted(member.key, to: &output)
                output += ":"
                member.value.write(to: &output)
            }
            output += "}"
        }
    }

    /// RFC 8259, section 7.
    private static func writeQuoted(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\u{0}"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}
