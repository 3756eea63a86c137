extension Settings {
    /// What the probe in applications reports, and what is expected of servers that have it.
    public struct Probe: Sendable, Equatable {
        public enum Echo: String, CaseIterable, Sendable { case auto, require, off }

        /// A Unix socket for its reports; nil: none.
        public var socket: String?
        public var echo = Echo.auto

        public init() {}

        static let section = Section(
            "probe", Self(),
            keys: [
                Key("socket", \.socket, .optional(.file), "a Unix socket that takes the probe's reports; `null`: none"),
                Key(
                    "echo", \.echo, .choice,
                    "whether answers carry the ids of their requests: `auto` expects it of connections that have done so,"
                        + " `require` refuses answers without, `off` does not ask"),
            ])
    }
}
