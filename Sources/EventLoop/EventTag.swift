/// What an event is about, as the kernel carries it for us: the sort of descriptor, its place, and the place's generation, so that
/// an event for whoever stood there before is recognised.
@frozen
public struct EventTag: Equatable {
    @frozen
    public enum Kind: UInt64, CaseIterable, Sendable { case client, upstream, listener, mailbox }

    /// The bits of a generation that a tag has room for: `carries` compares no others.
    public static var generationMask: UInt32 { 0x3fff_ffff }

    public let bits: UInt64

    @inlinable
    public init(bits: UInt64) { self.bits = bits }

    @inlinable
    public init(_ kind: Kind, generation: UInt32 = 0, slot: Int32 = 0) {
        bits = kind.rawValue << 62 | UInt64(generation & Self.generationMask) << 32 | UInt64(UInt32(bitPattern: slot))
    }

    @inlinable public var kind: Kind { unsafe Kind(rawValue: bits >> 62).unsafelyUnwrapped }
    @inlinable public var slot: Int32 { Int32(truncatingIfNeeded: bits) }

    /// Whether the place is still of this generation.
    @inlinable
    public func carries(_ generation: UInt32) -> Bool {
        generation & Self.generationMask == UInt32(truncatingIfNeeded: bits >> 32) & Self.generationMask
    }
}
