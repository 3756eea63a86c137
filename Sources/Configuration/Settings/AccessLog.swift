extension Settings {
    /// One line an exchange.
    public struct AccessLog: Sendable, Equatable {
        public enum Style: String, CaseIterable, Sendable { case json, combined }

        /// A file, or `-` for standard output; nil: no access log.
        public var path: String?
        public var style = Style.json
        public var rotate = Incidents.Rotate()

        public init() {}

        static let section = Section(
            "access_log", Self(),
            keys: [
                Key("path", \.path, .optional(.file), "a file, or `-` for standard output; `null`: no access log"),
                Key("format", \.style, .choice, "JSON Lines, or the combined format of web servers"),
                Key("rotate", \.rotate, .section(Incidents.Rotate.section), "when a new file is begun"),
            ])
    }
}
