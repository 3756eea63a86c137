import EventLoop

/// Tables write slots as numbers.
extension Slot: ExpressibleByIntegerLiteral {
    public init(integerLiteral index: Int32) { self.init(index) }
}
