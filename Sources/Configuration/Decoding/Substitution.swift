/// Puts environment variables into a text: `${NAME}`, `${NAME:-default}`; `$${` stands for `${`.
///
/// The default is also taken when the variable is set but empty. Defaults do not nest.
struct Substitution {
    struct Failure: Error, Equatable {
        /// In characters from the start of the text.
        let offset: Int
        let message: String
    }

    struct Outcome {
        var text = ""
        var isSecret = false
        var failures: [Failure] = []
    }

    let environment: [String: String]

    /// Whether the value of a variable of this name must not be shown.
    static func isSecret(_ name: String) -> Bool {
        let upper = name.uppercased()
        return ["KEY", "SECRET", "TOKEN", "PASSWORD"].contains { upper.contains($0) }
    }

    func apply(to text: String) -> Outcome {
        guard text.utf8.contains(0x24) else { return Outcome(text: text) }
        let source = Array(text.unicodeScalars)
        var outcome = Outcome()
        var index = 0
        while index < source.count {
            if source[index...].starts(with: "$${".unicodeScalars) {
                outcome.text += "${"
                index += 3
            } else if source[index...].starts(with: "${".unicodeScalars) {
                index = expand(source, at: index, into: &outcome)
            } else {
                outcome.text.unicodeScalars.append(source[index])
                index += 1
            }
        }
        return outcome
    }

    /// Expands the reference at `start`; returns where the text goes on.
    private func expand(_ source: [Unicode.Scalar], at start: Int, into outcome: inout Outcome) -> Int {
        guard let close = source[start...].firstIndex(of: "}") else {
            outcome.failures.append(
                Failure(offset: start, message: "'${' without its '}' (write '$${' for a plain '${')"))
            return source.count
        }
        let inner = source[(start + 2)..<close]
        let name = string(
            inner.prefix { $0.isASCII && ($0.properties.isAlphabetic || $0 == "_" || ("0"..."9").contains($0)) })
        let rest = string(inner.dropFirst(name.unicodeScalars.count))
        guard let first = name.unicodeScalars.first, !("0"..."9").contains(first), rest.isEmpty || rest.hasPrefix(":-")
        else {
            let found = Quoting.shown("${\(string(inner))}")
            outcome.failures.append(
                Failure(offset: start, message: "expected ${NAME} or ${NAME:-default}, found '\(found)'"))
            return close + 1
        }
        if Self.isSecret(name) { outcome.isSecret = true }
        if rest.isEmpty, environment[name] == nil {
            let message = "environment variable \(Quoting.shown(name)) is not set, and there is no default"
            outcome.failures.append(Failure(offset: start, message: message))
        }
        let value = environment[name] ?? ""
        outcome.text += value.isEmpty ? String(rest.dropFirst(2)) : value
        return close + 1
    }

    private func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
