/// A place in a slab of one sort of element: that of a client is none of an upstream.
@frozen
public struct Slot<Element>: Hashable, BitwiseCopyable, Sendable {
    /// As an event's tag and a timer carry it, which know of no sorts; -1 for none.
    public let index: Int32

    @inlinable
    @inline(__always)
    public init(_ index: Int32) { self.index = index }

    @inlinable public static var none: Self { Self(-1) }
    @inlinable public var exists: Bool { @inline(__always) get { index >= 0 } }
    @inlinable public var isNone: Bool { @inline(__always) get { index < 0 } }

    @inlinable
    @inline(__always)
    public static func == (a: Self, b: Self) -> Bool { a.index == b.index }
}
