import Detector

extension Settings {
    /// Which requests go to which upstream, and what is done to them on the way.
    public struct Route: Sendable, Equatable {
        /// What the path of a request is compared with.
        public enum PathMatch: Sendable, Equatable {
            case exact(String)
            case prefix(String)
            case regex(String)
        }

        public static let defaultName = "default"

        public var name: String
        /// Nil: any host.
        public var host: HostPattern?
        var path: String?
        var pathPrefix: String?
        var pathRegex: String?
        /// Empty: any method.
        public var methods: [String] = []
        /// Nil only with a redirect.
        public var upstream: String?
        public var stripPrefix: String?
        public var rewrite: String?
        public var redirect: Redirect?
        public var requestHeaders = HeaderChanges()
        public var responseHeaders = HeaderChanges()
        public var timeouts = Timeouts()
        public var onViolation = ViolationPolicy.contain

        public init(name: String, upstream: String) {
            self.init(name: name)
            self.upstream = upstream
        }

        private init(name: String) { self.name = name }

        public var match: PathMatch {
            if let path { return .exact(path) }
            if let pathRegex { return .regex(pathRegex) }
            return .prefix(pathPrefix ?? "/")
        }

        static let section = Section(
            "routes[]", Self(name: ""),
            keys: [
                Key("name", \.name, .name, default: "the upstream's name", "unique; labels incidents and metrics"),
                Key(
                    "host", \.host, .optional(.host),
                    "`shop.example`, or `*.example.com` for its subdomains; `null`: any"),
                Key("path", \.path, .optional(.wholePath), "the whole path"),
                Key(
                    "path_prefix", \.pathPrefix, .optional(.pathPrefix), default: "`/`",
                    "the beginning of the path, in whole segments: `/api` is `/api` and `/api/users`, not `/apiary`"),
                Key(
                    "path_regex", \.pathRegex, .optional(.text("regular expression")),
                    "an expression (PCRE2) for the whole path"),
                Key(
                    "methods", \.methods, .list(of: .token, type: "list of names"),
                    "the request methods; empty: any; `GET` serves HEAD as well"),
                Key(
                    "upstream", \.upstream, .optional(.text("name")), default: "the only upstream",
                    "where the requests go; none with `redirect`"),
                Key(
                    "strip_prefix", \.stripPrefix, .optional(.pathPrefix),
                    "taken off the beginning of the path, in whole segments"),
                Key(
                    "rewrite", \.rewrite, .optional(.path),
                    "sent instead of the request's path; the query stays; `$1` to `$9` stand for groups of `path_regex`"),
                Key(
                    "redirect", \.redirect, .optional(.section(Redirect.section)), default: "`null`",
                    "answers with a redirect instead of asking an upstream"),
                Key(
                    "request_headers", \.requestHeaders, .section(HeaderChanges.section),
                    "changes to the request's fields"),
                Key(
                    "response_headers", \.responseHeaders, .section(HeaderChanges.section),
                    "changes to the answer's fields"
                ),
                Key("timeouts", \.timeouts, .section(Timeouts.section), "instead of those of the upstream"),
                Key(
                    "on_violation", \.onViolation, .choice,
                    "what a proven violation leads to: `observe` records it, `contain` also keeps it from every client,"
                        + " `fail` also gives the guilty exchange's client an error"),
            ],
            check: { route, node, decoder in
                route.checkAgainstItself(node, &decoder)
                route.checkTexts(node, &decoder)
                route.checkFields(node, &decoder)
            })

        private mutating func checkAgainstItself(_ node: Node, _ decoder: inout Decoder) {
            if methods.count != Set(methods).count {
                decoder.fail("a method is listed twice", at: decoder.mark(of: "methods") ?? node.mark)
            }
            let patterns = [("path", path), ("path_prefix", pathPrefix), ("path_regex", pathRegex)].filter {
                $0.1 != nil
            }
            for (name, _) in patterns.dropFirst() {
                decoder.fail("'\(name)' and '\(patterns[0].0)' exclude each other", at: decoder.mark(of: name))
            }
            if patterns.isEmpty { pathPrefix = "/" }
            if rewrite != nil, stripPrefix != nil {
                decoder.fail("'rewrite' and 'strip_prefix' exclude each other", at: decoder.mark(of: "rewrite"))
            }
            guard redirect != nil else { return }
            for (name, value) in [("upstream", upstream), ("rewrite", rewrite), ("strip_prefix", stripPrefix)]
            where value != nil {
                decoder.fail("'\(name)' has no meaning beside 'redirect'", at: decoder.mark(of: name))
            }
        }
    }
}
