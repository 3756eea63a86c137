extension Settings.Incidents {
    /// Connections on which an incident happened are written down, so that it can be played again.
    public struct Capture: Sendable, Equatable {
        public enum Body: String, CaseIterable, Sendable { case mask, keep }

        /// A folder; nil: nothing is captured.
        public var path: String?
        public var keep = 100
        public var bytesMax = 64 << 10
        public var body = Body.mask

        static let section = Section(
            "incidents.capture", Self(),
            keys: [
                Key(
                    "path", \.path, .optional(.file),
                    "a folder for traces of the guilty connections to HTTP/1 upstreams; `null`: none are written, and nothing is kept"
                ),
                Key("keep", \.keep, .integer(1...100_000), "traces that stay; the oldest give way"),
                Key(
                    "max_bytes", \.bytesMax, .size((4 << 10)...(4 << 20)),
                    "what is kept of a connection, the last exchanges; masked bodies count for nothing"),
                Key("body", \.body, .choice, "bodies as x's, or as they were"),
            ])
    }
}
