import Configuration

/// Bodies of the proxy's own answers that the configuration gives, read when it is loaded.
public struct ErrorPages: Sendable {
    /// A body; `{status}`, `{reason}`, `{detail}` and `{request_id}` in it are filled in.
    struct Page: Sendable {
        var status: Int
        var type: String
        /// Texts between the gaps, and which gap follows each.
        var pieces: [(text: [UInt8], gap: Gap?)]
        var escaping: ErrorResponse.Form
    }

    enum Gap: String, CaseIterable, Sendable {
        case status, reason, detail
        case requestID = "request_id"
    }

    public static let fileBytesMax = 256 << 10

    private var pages: [Page] = []

    public init() {}

    /// Throws every file that cannot be used, each at the key that names it.
    public init(_ settings: Settings) throws(Problems) {
        var problems: [Problem] = []
        for page in settings.errorPages {
            do throws(Settings.UnreadableFile) {
                let bytes = try Settings.contents(ofFileAt: page.file, max: Self.fileBytesMax)
                pages.append(Self.page(page.status, page.file, bytes))
            } catch {
                problems.append(settings.problem("\(page.file): \(error.reason)", at: ["error_pages", "\(page.status)"]))
            }
        }
        if let problems = Problems(problems) { throw problems }
    }

    subscript(status: Int) -> Page? { pages.first { $0.status == status } }

    private static func page(_ status: Int, _ file: String, _ bytes: [UInt8]) -> Page {
        let name = file.lowercased()
        var page = Page(status: status, type: "text/html; charset=utf-8", pieces: [], escaping: .html)
        if name.hasSuffix(".json") { (page.type, page.escaping) = ("application/json", .json) }
        if name.hasSuffix(".txt") { (page.type, page.escaping) = ("text/plain; charset=utf-8", .text) }
        var rest = bytes[...]
        var text: [UInt8] = []
        while let byte = rest.first {
            if byte == UInt8(ascii: "{"), let gap = Gap.allCases.first(where: { rest.starts(with: "{\($0.rawValue)}".utf8) }) {
                page.pieces.append((text, gap))
                text = []
                rest = rest.dropFirst(gap.rawValue.utf8.count + 2)
            } else {
                text.append(byte)
                rest = rest.dropFirst()
            }
        }
        page.pieces.append((text, nil))
        return page
    }
}
