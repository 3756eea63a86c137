/// Cuts bytes into frames.
struct FrameReader {
    private var buffer: [UInt8] = []
    private var start = 0

    var isAtStart: Bool { start == buffer.count }

    mutating func receive(_ bytes: [UInt8]) {
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer += bytes
    }

    /// Takes what a client begins with. nil: more has to come; false: it is something else.
    mutating func takePreface() -> Bool? {
        let count = min(buffer.count - start, Frame.preface.count)
        guard buffer[start..<start + count].elementsEqual(Frame.preface[..<count]) else { return false }
        guard count == Frame.preface.count else { return nil }
        start += count
        return true
    }

    mutating func next() -> Frame? {
        guard buffer.count - start >= Frame.headerCount else { return nil }
        let n = Int(buffer[start]) << 16 | Int(buffer[start + 1]) << 8 | Int(buffer[start + 2])
        guard buffer.count - start >= Frame.headerCount + n else { return nil }
        let stream = buffer[start + 5..<start + 9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let payload = Array(buffer[start + Frame.headerCount..<start + Frame.headerCount + n])
        defer { start += Frame.headerCount + n }
        return Frame(type: buffer[start + 3], flags: buffer[start + 4], stream: stream & 0x7fff_ffff, payload)
    }
}
