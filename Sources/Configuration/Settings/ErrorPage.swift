extension Settings {
    /// The body of the proxy's own answers with one status.
    public struct ErrorPage: Sendable, Equatable {
        public var status: Int
        /// Path of the file.
        public var file: String
    }
}

extension Format where Value == [Settings.ErrorPage] {
    static let errorPages = Format(
        type: "mapping of files",
        read: { node, decoder in
            let pages: [Settings.ErrorPage]? = members(of: node, &decoder) { entry, decoder in
                guard let status = Int(entry.key), (400...599).contains(status), entry.key.utf8.count == 3 else {
                    decoder.fail(
                        "expected a status from 400 to 599, found '\(Quoting.shown(entry.key))'", at: entry.mark)
                    return nil
                }
                return Format<String>.file.read(entry.value, &decoder).map { .init(status: status, file: $0) }
            }
            return pages?.sorted { $0.status < $1.status }
        }, show: { pages in .object(pages.map { ("\($0.status)", .text($0.file)) }) })
}
