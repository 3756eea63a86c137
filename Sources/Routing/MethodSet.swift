import Wire

/// Methods that a route serves, or that a path could be asked with.
public struct MethodSet: OptionSet, BitwiseCopyable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let any = MethodSet(rawValue: .max)

    public static func of(_ method: Method) -> MethodSet { MethodSet(rawValue: 1 << UInt16(method.rawValue)) }

    /// Methods by name; those that are not registered are compared elsewhere. HEAD goes where GET goes (RFC 9110 section 9.3.2).
    init(_ names: [String]) {
        self = names.isEmpty ? .any : []
        for name in names {
            let bytes = Array(name.utf8)
            let method = unsafe bytes.withUnsafeBufferPointer { unsafe Method($0.baseAddress!, count: $0.count) }
            insert(Self.of(method))
            if method == .get { insert(Self.of(.head)) }
        }
    }

    /// As the Allow field lists them; methods that are not registered are left out.
    public var list: String {
        Method.allCases.filter { $0 != .other && contains(Self.of($0)) }.map { "\($0.text)" }.joined(separator: ", ")
    }
}
