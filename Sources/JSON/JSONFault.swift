/// Why bytes are no JSON, and how many of them stand before the fault.
public struct JSONFault: Error, Equatable, CustomStringConvertible {
    public let reason: String
    public let offset: Int

    public var description: String { "\(reason) at byte \(offset)" }
}
