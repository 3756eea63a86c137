/// Frames as bytes, right and wrong ones, for a peer that a test plays itself.
enum Frames {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let endStream: UInt8 = 1
    static let endHeaders: UInt8 = 4

    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8] = []) -> [UInt8] {
        let n = payload.count
        return [UInt8(n >> 16 & 255), UInt8(n >> 8 & 255), UInt8(n & 255), type, flags] + number(stream) + payload
    }

    static func number(_ n: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: n >> $0) } }

    static func settings(_ values: [(UInt16, UInt32)] = []) -> [UInt8] {
        frame(4, 0, 0, values.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + number($0.1) })
    }

    static let settingsAck = frame(4, 1, 0)

    static func data(_ stream: UInt32, _ text: String, ends: Bool = false) -> [UInt8] {
        frame(0, ends ? endStream : 0, stream, Array(text.utf8))
    }

    static func headers(_ stream: UInt32, _ fields: [(String, String)], ends: Bool = false) -> [UInt8] {
        frame(1, endHeaders | (ends ? endStream : 0), stream, block(fields))
    }

    static func get(_ stream: UInt32, _ path: String = "/", ends: Bool = true, with more: [(String, String)] = []) -> [UInt8] {
        headers(
            stream, [(":method", ends ? "GET" : "POST"), (":scheme", "http"), (":path", path), (":authority", "a")] + more,
            ends: ends)
    }

    static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> [UInt8] { frame(3, 0, stream, number(code)) }
    static func windowUpdate(_ stream: UInt32, _ n: UInt32) -> [UInt8] { frame(8, 0, stream, number(n)) }
    static func ping() -> [UInt8] { frame(6, 0, 0, [UInt8](repeating: 7, count: 8)) }
    static func goAway(_ last: UInt32, _ code: UInt32 = 0) -> [UInt8] { frame(7, 0, 0, number(last) + number(code)) }

    /// Literals that go into no table.
    static func block(_ fields: [(String, String)]) -> [UInt8] { fields.flatMap { [0] + string($0.0) + string($0.1) } }

    static func string(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
        var rest = bytes.count - 127
        var length: [UInt8] = [127]
        while rest >= 128 {
            length.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return length + [UInt8(rest)] + bytes
    }

    /// Frames that a session has written: type, flags, stream, payload.
    static func parse(_ bytes: [UInt8]) -> [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
        var frames: [(UInt8, UInt8, UInt32, [UInt8])] = []
        var at = bytes.starts(with: preface) ? preface.count : 0
        while at + 9 <= bytes.count {
            let n = Int(bytes[at]) << 16 | Int(bytes[at + 1]) << 8 | Int(bytes[at + 2])
            let stream = bytes[at + 5..<at + 9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            frames.append((bytes[at + 3], bytes[at + 4], stream, Array(bytes[at + 9..<at + 9 + n])))
            at += 9 + n
        }
        precondition(at == bytes.count, "frames cut short")
        return frames.map { (type: $0.0, flags: $0.1, stream: $0.2, payload: $0.3) }
    }
}
