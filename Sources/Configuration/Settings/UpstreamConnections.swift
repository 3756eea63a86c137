extension Settings.Upstream {
    /// The pool of connections to the servers of an upstream, and when a connection may serve again.
    public struct Connections: Sendable, Equatable {
        public enum Reuse: String, CaseIterable, Sendable { case always, guarded, never }

        /// At once, to one server, over all workers.
        public var max = 1024
        /// Of them, those that wait for an exchange; at most `max`.
        public var maxIdle = 256
        public var idleMilliseconds = 4000
        public var reuse = Reuse.guarded
        /// With `guarded`: how long a connection rests after an exchange before it serves another.
        public var hold = Hold.auto

        public init() {}

        static let section = Section(
            "upstreams.NAME.connections", Self(),
            keys: [
                Key("max", \.max, .integer(1...1_000_000), "connections at once to each server, from all workers together"),
                Key("max_idle", \.maxIdle, .integer(0...1_000_000), "of them idle ones; never more than `max`; of HTTP/1"),
                Key(
                    "idle_timeout", \.idleMilliseconds, .duration(),
                    "an idle connection is closed after this time; keep it below the server's own limit (Node: 5s)"),
                Key(
                    "reuse", \.reuse, .choice,
                    "`guarded`: rests for `hold`, is looked at before each use; `always`: at once; `never`: one exchange each; of HTTP/1,"
                        + " for requests share a connection of HTTP/2 as long as it lasts"
                ),
                Key(
                    "hold", \.hold, .hold,
                    "with `guarded`: how long a connection rests after an exchange, so that strays show before the next one; "
                        + "`auto`: 50ms, less where that would take more than some 64 resting connections to a server, at least 2ms"
                ),
            ],
            check: { connections, node, decoder in
                guard connections.maxIdle > connections.max else { return }
                if let mark = decoder.mark(of: "max_idle") {
                    decoder.fail("max_idle (\(connections.maxIdle)) is more than max (\(connections.max))", at: mark)
                }
                connections.maxIdle = connections.max
            })
    }
}
