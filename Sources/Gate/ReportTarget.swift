import Records

/// A report that was asked for: `junit=FILE`, `sarif=FILE`, `json=FILE` or `github`.
public enum ReportTarget: Sendable, Equatable {
    case junit(String), sarif(String), json(String), github

    public struct Malformed: Error, CustomStringConvertible {
        public let description: String
    }

    public init(_ text: String) throws(Malformed) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch (parts[0], parts.count == 2 ? parts[1] : nil) {
        case ("junit", let file?) where !file.isEmpty: self = .junit(file)
        case ("sarif", let file?) where !file.isEmpty: self = .sarif(file)
        case ("json", let file?) where !file.isEmpty: self = .json(file)
        case ("github", nil): self = .github
        default:
            throw Malformed(description: "'\(Printable.text(text))' is no report: junit=FILE, sarif=FILE, json=FILE or github")
        }
    }

    /// Nil for what is written to standard output.
    public var file: String? {
        switch self {
        case .junit(let file), .sarif(let file), .json(let file): file
        case .github: nil
        }
    }

    public func bytes(_ verdict: Verdict, folder: String, version: String) -> [UInt8] {
        switch self {
        case .junit: JUnitReport.bytes(verdict, folder: folder)
        case .sarif: SARIFReport.bytes(verdict, folder: folder, version: version)
        case .json: JSONReport.bytes(verdict, folder: folder)
        case .github: Array(GitHubReport.text(verdict, folder: folder).utf8)
        }
    }
}
