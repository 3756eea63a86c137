/// A flag's value that cannot be used.
public struct UsageFault: Error, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
