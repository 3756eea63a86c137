extension Settings {
    /// What a client may ask for, and what an upstream may answer.
    public struct Limits: Sendable, Equatable {
        public var headerBytesMax = 64 << 10
        public var headerCountMax = 128
        public var answerHeaderBytesMax = 256 << 10
        public var answerHeaderCountMax = 512
        /// Nil: no limit.
        public var bodyBytesMax: Int?
        public var clientConnectionsMax = 65536
        /// At once on one HTTP/2 connection.
        public var streamsMax = 128
        /// Interim responses before one final header block.
        public var interimsMax = 32

        public init() {}

        static let section = Section(
            "limits", Self(),
            keys: [
                Key("header_bytes", \.headerBytesMax, .size((1 << 10)...(1 << 20)), "bytes of a request's header block"),
                Key("header_count", \.headerCountMax, .integer(1...10_000), "fields of a request's header block"),
                Key(
                    "answer_header_bytes", \.answerHeaderBytesMax, .size((1 << 10)...(4 << 20)),
                    "bytes of an answer's header block"),
                Key(
                    "answer_header_count", \.answerHeaderCountMax, .integer(1...10_000), "fields of an answer's header block"),
                Key(
                    "body_bytes", \.bodyBytesMax, .optional(.size(0...Quantity.bytesMax)),
                    "bytes of a request's body; `null`: no limit"),
                Key(
                    "client_connections", \.clientConnectionsMax, .integer(1...10_000_000),
                    "connections of clients at once"),
                Key("streams", \.streamsMax, .integer(1...10_000), "requests at once on one HTTP/2 connection"),
                Key(
                    "interims", \.interimsMax, .integer(0...10_000),
                    "interim responses (1xx) before one final header block"),
            ])
    }
}
