/// What one side sent at one moment.
struct TapePiece {
    var isFromUpstream: Bool
    var nanoseconds: UInt64
    var parts: [TapePart]
}
