import Simulation

/// How a server says something to a check, in HTTP/1 or in HTTP/2.
struct CheckWords {
    let isFrames: Bool
    /// Its bytes take long, so that there should not be many.
    let isSlow: Bool

    /// What comes before everything else.
    var greeting: [UInt8] { isFrames ? Frame.settings([(3, 100)]).bytes : [] }
    /// Longest header block that is read; one that is not; and bytes of a flood, more than one turn reads of it.
    var longHead: Int { isSlow ? 500 : 9000 }
    private var endlessHead: Int { isSlow ? 3000 : 40_000 }
    private var floodBytes: Int { isSlow ? 3000 : 400_000 }

    /// A header block that refers to none before it.
    private func pack(_ fields: FieldPacker.Fields) -> [UInt8] { FieldPacker(tableBytes: 0).pack(fields) }

    /// A header block, interim for a status below 200.
    func head(_ status: Int, padding: Int = 0, _ random: inout SeededNumbers) -> [UInt8] {
        let filling = String(repeating: "x", count: padding)
        guard isFrames else {
            let length = status < 200 ? "" : "Content-Length: 7\r\n"
            return Array("HTTP/1.\(random.below(2)) \(status) Whatever\r\n\(length)X-Filling: \(filling)\r\n\r\n".utf8)
        }
        let block = pack([(":status", "\(status)"), ("x-filling", filling)])
        let isSplit = random.chance(perMille: 300)
        let at = isSplit ? random.below(block.count) : block.count
        let first = Frame(.headers, flags: isSplit ? 0 : Frame.endHeaders, stream: 1, Array(block[..<at])).bytes
        guard isSplit else { return first }
        return first + Frame(.continuation, flags: Frame.endHeaders, stream: 1, Array(block[at...])).bytes
    }

    func body(_ count: Int) -> [UInt8] {
        let bytes = [UInt8](repeating: 0x62, count: count)
        return !isFrames ? bytes : Frame(.data, flags: Frame.endStream, stream: 1, bytes).bytes
    }

    /// Something that is no answer.
    func garbage(_ random: inout SeededNumbers) -> [UInt8] {
        let noise = (0..<20 + random.below(300)).map { _ in UInt8(random.below(256)) }
        guard isFrames else {
            let texts = [
                "220 mail\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 099 No\r\n\r\n", "\r\n\r\n",
            ]
            return random.chance(perMille: 300) ? [0] + noise : Array(random.pick(texts).utf8)
        }
        switch random.below(5) {
        case 0: return Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8)
        case 1: return body(10)
        case 2: return Frame(.headers, flags: Frame.endHeaders, stream: 1, pack([("x-status", "200")])).bytes
        case 3: return Frame(.reset, stream: 1, Frame.number(UInt32(random.below(14)))).bytes
        default: return Frame(.goAway, Frame.number(0) + Frame.number(UInt32(random.below(14)))).bytes
        }
    }

    /// A header block that does not end, in pieces. In HTTP/2 little says much: each further field is an index.
    func endless() -> [[UInt8]] {
        let filling = String(repeating: "x", count: 1000)
        guard isFrames else {
            let pieces = [[UInt8]](repeating: Array(filling.utf8), count: endlessHead / 1000)
            return [Array("HTTP/1.1 200 OK\r\nX-Filling: ".utf8)] + pieces
        }
        let packer = FieldPacker()
        let start = Frame(.headers, stream: 1, packer.pack([(":status", "200")])).bytes
        return [start]
            + (0..<endlessHead / 1000).map { _ in
                let fields = [(name: String, value: String)](repeating: ("x-filling", filling), count: 40)
                return Frame(.continuation, stream: 1, packer.pack(fields)).bytes
            }
    }

    /// A lot of what is allowed and says nothing.
    func flood(_ random: inout SeededNumbers) -> [UInt8] {
        let isPing = isFrames && random.chance(perMille: 500)
        let one = isPing ? Frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8]).bytes : head(103, &random)
        return (0...floodBytes / one.count).flatMap { _ in one }
    }
}
