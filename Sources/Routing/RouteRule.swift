/// Which requests a route is for.
public struct RouteRule: Sendable {
    public enum Path: Sendable {
        case exact(String)
        /// Whole segments: `/api` is `/api` and what lies below it, `/api/` only what lies below.
        case prefix(String)
        case pattern(PathPattern)
    }

    /// Lower case; empty for every host, `*.` at the front for every name below the rest.
    public var host: String
    public var path: Path
    /// Empty: any method.
    public var methods: [String]

    public init(host: String = "", path: Path = .prefix("/"), methods: [String] = []) {
        self.host = host
        self.path = path
        self.methods = methods
    }
}
