/// What is asked of the output's look, and what the surroundings allow.
public enum Appearance: String, CaseIterable, Sendable {
    case auto, always, never

    /// Colour only for a terminal, and not where NO_COLOR is set or the terminal is a dumb one.
    func hasColour(isTerminal: Bool, _ environment: [String: String]) -> Bool {
        switch self {
        case .always: true
        case .never: false
        case .auto: isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
        }
    }

    /// Signs beyond ASCII only where the locale is in UTF-8.
    static func hasUnicode(_ environment: [String: String]) -> Bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let name = locale.lowercased()
        return name.contains("utf-8") || name.contains("utf8")
    }
}
