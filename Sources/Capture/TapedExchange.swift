/// One exchange on a tape, from its request on.
struct TapedExchange {
    private(set) var pieces: [TapePiece] = []
    /// What keeping it costs.
    private(set) var keptBytes = 0
    /// What writing it into a trace takes.
    private(set) var writtenBytes = 0

    mutating func append(_ piece: TapePiece) {
        for part in piece.parts {
            keptBytes += part.keptBytes
            writtenBytes += part.writtenBytes
        }
        // A body that comes in many reads is one run: when each of them came decides nothing.
        if let last = pieces.last, last.isFromUpstream == piece.isFromUpstream, piece.parts.count == 1, last.parts.count == 1,
            case .body(let more) = piece.parts[0], case .body(let before) = last.parts[0]
        {
            pieces[pieces.count - 1].parts = [.body(before + more)]
            keptBytes -= piece.parts[0].keptBytes
            return
        }
        pieces.append(piece)
    }
}

extension TapePart {
    /// Bytes that a trace takes for it.
    var writtenBytes: Int {
        switch self {
        case .bytes(let bytes), .stray(let bytes): bytes.count
        case .body(let count): count
        case .fin, .reset: 0
        }
    }
}
