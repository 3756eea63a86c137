extension Settings {
    /// One line an exchange.
    public struct AccessLog: Sendable, Equatable {
        public enum Style: String, CaseIterable, Sendable { case json, combined }
        public enum Query: String, CaseIterable, Sendable { case keep, redact }

        /// A file, or `-` for standard output; nil: no access log.
        public var path: String?
        public var style = Style.json
        public var query = Query.keep
        public var rotate = Incidents.Rotate()

        public init() {}

        static let section = Section(
            "access_log", Self(),
            keys: [
                Key("path", \.path, .optional(.logFile), "a file, or `-` for standard output; `null`: no access log"),
                Key("format", \.style, .choice, "JSON Lines, or the combined format of web servers"),
                Key(
                    "query", \.query, .choice,
                    "whether the values of a request's query, and of its Referer's, are replaced by `[REDACTED]`"),
                Key("rotate", \.rotate, .section(Incidents.Rotate.section), "when a new file is begun"),
            ])
    }
}
