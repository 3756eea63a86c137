extension Settings.Route {
    /// An answer that sends the client elsewhere.
    public struct Redirect: Sendable, Equatable {
        public var status = 302
        /// The value of the `Location` field.
        public var to = ""

        static let section = Section(
            "routes[].redirect", Self(),
            keys: [
                Key("status", \.status, .redirectStatus, "the status of the answer"),
                Key(
                    "to", \.to, .text("URL"), required: true,
                    "the `Location` field; may name `{host}` (without its port), `{path}`, `{query}` and `{uri}` (both) of the request, and `$1` to `$9`"
                ),
            ])
    }
}

extension Format where Value == Int {
    /// RFC 9110, section 15.4: the statuses that take a client on to `Location`.
    static let redirectStatus = scalar(
        "`301`, `302`, `303`, `307`, `308`", expected: "301, 302, 303, 307 or 308",
        parse: { Int($0).flatMap { [301, 302, 303, 307, 308].contains($0) ? $0 : nil } }, show: { .number($0) })
}
