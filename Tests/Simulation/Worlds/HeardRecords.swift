/// What stood in the records of the other end, by how many bytes of them had been given.
struct HeardRecords {
    private(set) var said: [UInt8] = []
    /// Bytes of records that have been given.
    private(set) var taken = 0
    private var marks: [(taken: Int, said: Int)] = []
    private var header: [UInt8] = []
    private var left = 0

    /// Cut where records end: only then is it known which has said what.
    mutating func split(_ bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var at = 0
        var start = 0
        while at < bytes.count {
            if left == 0 {
                header.append(bytes[at])
                at += 1
                if header.count == 5 {
                    left = Int(header[3]) << 8 | Int(header[4])
                    header = []
                }
                continue
            }
            let n = min(left, bytes.count - at)
            (at, left) = (at + n, left - n)
            guard left == 0 else { break }
            pieces.append(Array(bytes[start..<at]))
            start = at
        }
        if start < bytes.count { pieces.append(Array(bytes[start...])) }
        return pieces
    }

    mutating func add(_ plaintext: [UInt8], of count: Int) {
        taken += count
        guard !plaintext.isEmpty else { return }
        said += plaintext
        marks.append((taken, said.count))
    }

    /// How many bytes of records say so many.
    func taken(for count: Int) -> Int {
        let place = marks.partitioned { $0.said < count }
        return place < marks.count ? marks[place].taken : .max
    }
}
