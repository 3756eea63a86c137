/// Requests whose answers have no mark although their server's have, by server, method and path: what answers them writes to the
/// socket itself, so to ask again tells nothing. The last few alone.
struct AskedInVain {
    static let countMax = 64
    /// Of a request's first line, as much as tells one path from another.
    static let lineBytesMax = 512

    private var keys: [UInt64] = []
    private var next = 0

    func contains(server: UInt16, _ request: RequestRecord) -> Bool {
        !keys.isEmpty && keys.contains(Self.key(server, request))
    }

    mutating func note(server: UInt16, _ request: RequestRecord) {
        let key = Self.key(server, request)
        guard !keys.contains(key) else { return }
        if keys.count < Self.countMax { return keys.append(key) }
        keys[next] = key
        next = (next + 1) % Self.countMax
    }

    /// FNV-1a of method and path, without the query.
    private static func key(_ server: UInt16, _ request: RequestRecord) -> UInt64 {
        var hash = 0xcbf2_9ce4_8422_2325 ^ UInt64(server)
        var spaces = 0
        for i in 0..<min(Int(request.head.count), lineBytesMax) {
            let byte = request.head.first[i]
            if byte == 0x20 { spaces += 1 }
            if spaces == 2 || byte == 0x3f || byte == 0x0d { break }
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return hash
    }
}
