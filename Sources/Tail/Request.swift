import Records

/// What `sendonce tail` was asked for.
public struct Request: Sendable {
    /// How records are shown.
    public enum Form: Sendable {
        case incidents, lines
        case template(Template)
        case table(Table)
    }

    /// Files, addresses and URLs of admin endpoints, `-`.
    public var sources: [String] = []
    /// Of what is there already, so many; nil for what suits the rest.
    public var last: Int?
    public var follow: Bool?
    public var filter = Filter()
    public var form = Form.incidents
    public var appearance = Appearance.auto
    public var exitAfter: Int?
    public var timeoutMilliseconds: Int?
    public var environment: [String: String] = [:]

    public init() {}
}
