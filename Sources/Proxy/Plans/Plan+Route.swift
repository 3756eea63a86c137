import Configuration
import Detector
import Routing

extension Plan {
    /// A route with everything about it made ready.
    public struct Route: Sendable {
        public struct Redirect: Sendable {
            public var status: Int
            public var to: PathTemplate
        }

        public var name: String
        /// Which requests take it.
        public var rule = RouteRule()
        /// Index of the upstream, -1 for a redirect.
        public var upstream: Int
        public var onViolation = ViolationPolicy.contain
        /// Taken off the path, as routes read it; empty for nothing.
        public var stripPrefix: [UInt8] = []
        public var rewrite: PathTemplate?
        public var redirect: Redirect?
        public var requestFields: FieldChanges?
        public var responseFields: FieldChanges?
        /// 0: the upstream's.
        public var responseHeaderTimeout: UInt64 = 0
        public var bodyIdleTimeout: UInt64 = 0
        public var tunnelIdleTimeout: UInt64 = 0

        public init(name: String, upstream: Int) {
            self.name = name
            self.upstream = upstream
        }
    }

    /// The plan's form of a route; `upstream` is the index of its upstream, -1 for none.
    static func make(_ route: Settings.Route, upstream: Int) throws(ResolveError) -> Route {
        func failed(_ reason: String) -> ResolveError { ResolveError(description: "route \(route.name): \(reason)") }
        var made = Route(name: route.name, upstream: upstream)
        var groupCount = 0
        made.rule.host = route.host.map { "\($0)".lowercased() } ?? ""
        made.rule.methods = route.methods
        switch route.match {
        case .exact(let path): made.rule.path = .exact(path)
        case .prefix(let path): made.rule.path = .prefix(path)
        case .regex(let text):
            do throws(PathPattern.Invalid) {
                let pattern = try PathPattern(text)
                groupCount = pattern.groupCount
                made.rule.path = .pattern(pattern)
            } catch { throw failed("path_regex: \(error.reason)") }
        }
        made.onViolation = route.onViolation
        if let prefix = route.stripPrefix { made.stripPrefix = PathReading.literal(prefix) }
        do throws(PathTemplate.Invalid) {
            if let text = route.rewrite { made.rewrite = try PathTemplate(text, groupCount: groupCount, isURL: false) }
            if let redirect = route.redirect {
                let to = try PathTemplate(redirect.to, groupCount: groupCount, isURL: true)
                made.redirect = Route.Redirect(status: redirect.status, to: to)
            }
        } catch { throw failed(error.reason) }
        made.requestFields = FieldChanges(route.requestHeaders)
        made.responseFields = FieldChanges(route.responseHeaders)
        made.responseHeaderTimeout = UInt64(route.timeouts.responseHeaderMilliseconds ?? 0) * 1_000_000
        made.bodyIdleTimeout = UInt64(route.timeouts.bodyIdleMilliseconds ?? 0) * 1_000_000
        made.tunnelIdleTimeout = UInt64(route.timeouts.tunnelIdleMilliseconds ?? 0) * 1_000_000
        return made
    }
}
