import EventLoop

@testable import Proxy

/// Tables write slots, and servers, as numbers.
extension Slot: ExpressibleByIntegerLiteral {
    public init(integerLiteral index: Int32) { self.init(index) }
}

extension ServerIndex: ExpressibleByIntegerLiteral {
    public init(integerLiteral place: Int) { self = place < 0 ? .none : ServerIndex(place) }
}
