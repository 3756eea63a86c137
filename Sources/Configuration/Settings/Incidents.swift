extension Settings {
    /// Where incidents are recorded, how many, with how much, and what follows a proven double send.
    public struct Incidents: Sendable, Equatable {
        /// A file, or `-` for standard output.
        public var path = "incidents.jsonl"
        public var rotate = Rotate()
        public var limit = Limit()
        public var evidence = Evidence()
        public var capture = Capture()
        public var quarantine = Quarantine()
        public var otlp = OTLP()

        public init() {}

        static let section = Section(
            "incidents", Self(),
            keys: [
                Key("path", \.path, .logFile, "a file, or `-` for standard output"),
                Key("rotate", \.rotate, .section(Rotate.section), "when a new file is begun"),
                Key("limit", \.limit, .section(Limit.section), "how many records are written"),
                Key("evidence", \.evidence, .section(Evidence.section), "how much of the traffic a record shows"),
                Key(
                    "capture", \.capture, .section(Capture.section),
                    "traces of the connections on which incidents happened"),
                Key("quarantine", \.quarantine, .section(Quarantine.section), "what follows a proven double send"),
                Key("otlp", \.otlp, .section(OTLP.section), "export to an OpenTelemetry collector"),
            ])
    }
}

extension Settings.Incidents {
    /// When a new file is begun, and how many old ones stay.
    public struct Rotate: Sendable, Equatable {
        public var sizeBytes = 100 << 20
        public var keep = 5

        static let section = Section(
            "incidents.rotate, access_log.rotate", Self(),
            keys: [
                Key(
                    "size", \.sizeBytes, .size((64 << 10)...Quantity.bytesMax),
                    "a new file is begun when the present one is this large"),
                Key("keep", \.keep, .integer(0...1000), "old files that are kept"),
            ])
    }

    /// A token bucket for each kind, route and upstream. What is held back is counted, and the next record gives the number.
    public struct Limit: Sendable, Equatable {
        public var burst = 20
        public var perSecond = 5

        static let section = Section(
            "incidents.limit", Self(),
            keys: [
                Key("burst", \.burst, .integer(1...1_000_000), "records at once of one kind, route and upstream"),
                Key(
                    "per_second", \.perSecond, .integer(1...1_000_000),
                    "records in the long run; what is held back is counted and told in the next record"),
            ])
    }

    /// How much of the traffic a record shows.
    public struct Evidence: Sendable, Equatable {
        public enum Sample: String, CaseIterable, Sendable { case off, escaped }
        public enum Query: String, CaseIterable, Sendable { case redact, keep }

        public var sample = Sample.off
        public var sampleBytesMax = 256
        public var query = Query.redact

        static let section = Section(
            "incidents.evidence", Self(),
            keys: [
                Key(
                    "sample", \.sample, .choice,
                    "whether the offending bytes are recorded; values of secret fields never are"),
                Key("max_bytes", \.sampleBytesMax, .size(0...(16 << 10)), "how many of them"),
                Key("query", \.query, .choice, "whether the values of a request's query are replaced by `[REDACTED]`"),
            ])
    }

    /// Export to an OpenTelemetry collector.
    public struct OTLP: Sendable, Equatable {
        /// `http(s)://collector:4318`; nil: as the environment says.
        public var endpoint: String?

        static let section = Section(
            "incidents.otlp", Self(),
            keys: [
                Key(
                    "endpoint", \.endpoint, .optional(.webAddress),
                    "`http://collector:4318`: each incident as a log record over OTLP/HTTP; `null`: where the standard `OTEL_*` variables say, if they do"
                )
            ])
    }

    /// How long an upstream's server is trusted with one exchange a connection only.
    public struct Quarantine: Sendable, Equatable {
        public var forMilliseconds = 60_000

        static let section = Section(
            "incidents.quarantine", Self(),
            keys: [
                Key(
                    "for", \.forMilliseconds, .duration(least: 0),
                    "after a proven double send no connection of that server serves a second exchange for so long; 0: off"
                )
            ])
    }
}
