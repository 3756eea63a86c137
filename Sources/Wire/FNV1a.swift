/// The hash FNV-1a with 64 bits: the same on every machine and in every version, and no protection against those who choose their input.
@frozen
public struct FNV1a: Sendable {
    public private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    public init() {}

    public init(_ bytes: some Sequence<UInt8>) { for byte in bytes { add(byte) } }

    public mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
}
