/// What the probe has seen of a second send, inside the application.
public struct ApplicationSend: Sendable, Equatable {
    /// Node's code for it, such as `ERR_HTTP_HEADERS_SENT`.
    public var code: String?
    /// `thrown`, `crashed`, `emitted`, `swallowed` or `sent`.
    public var outcome: String
    public var operation: String
    public var status: Int?
    public var field: String?
    public var bytes: Int?
    /// The framework's pattern, `/orders/:id`.
    public var route: String?
    public var framework: String?
    public var betweenMilliseconds: Double?
    /// Stacks, the application's own frames first.
    public var first: [String] = []
    /// `route`: the first stack is another request's of the same route.
    public var firstOf: String?
    public var second: [String] = []
    public var node: String?
    public var pid: Int?

    public init(outcome: String, operation: String) {
        self.outcome = outcome
        self.operation = operation
    }

    func write(into json: inout JSONText) {
        json.string("code", code)
        json.string("outcome", outcome)
        json.string("operation", operation)
        json.number("status", status)
        json.string("field", field)
        json.number("bytes", bytes)
        json.string("route", route)
        json.string("framework", framework)
        json.number("between_ms", betweenMilliseconds)
        json.strings("first", first)
        json.string("first_of", firstOf)
        json.strings("second", second)
        json.string("node", node)
        json.number("pid", pid)
    }
}
