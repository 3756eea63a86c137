/// A run of what one side sent, as much of it as is kept.
enum TapePart: Equatable {
    /// As it was, but for secrets, which have given way to as many other bytes.
    case bytes([UInt8])
    /// So many bytes of a body.
    case body(Int)
    /// Bytes that no answer accounts for: they are masked together, when all have come.
    case stray([UInt8])
    case fin
    case reset

    /// What it costs to keep.
    var keptBytes: Int {
        switch self {
        case .bytes(let bytes), .stray(let bytes): bytes.count + Self.overheadBytes
        case .body, .fin, .reset: Self.overheadBytes
        }
    }

    private static let overheadBytes = 32
}
