/// One frame of HTTP/2 (RFC 9113 section 4.1), and how it is written.
struct Frame {
    enum Kind: UInt8 { case data, headers, priority, reset, settings, pushPromise, ping, goAway, windowUpdate, continuation }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let headerCount = 9
    static let payloadMax = 16_384
    static let endStream: UInt8 = 1
    static let ack: UInt8 = 1
    static let endHeaders: UInt8 = 4
    static let padded: UInt8 = 8
    static let hasPriority: UInt8 = 32

    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    init(_ kind: Kind, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
        self.init(type: kind.rawValue, flags: flags, stream: stream, payload)
    }

    init(type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) {
        self.type = type
        self.flags = flags
        self.stream = stream
        self.payload = payload
    }

    /// nil for a type that RFC 9113 does not have.
    var kind: Kind? { Kind(rawValue: type) }
    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    var bytes: [UInt8] {
        let n = payload.count
        return [UInt8(n >> 16 & 255), UInt8(n >> 8 & 255), UInt8(n & 255), type, flags] + Self.number(stream) + payload
    }

    static func number(_ n: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: n >> $0) } }

    static func settings(_ values: [(UInt16, Int)]) -> Frame {
        Frame(.settings, values.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + number(UInt32($0.1)) })
    }

    /// A number of four bytes in the payload.
    func number(at place: Int) -> UInt32 { payload[place..<place + 4].reduce(0) { $0 << 8 | UInt32($1) } }

    /// The payload without its padding, and without the priority of HEADERS; nil when it is longer than it can be.
    var content: [UInt8]? {
        var rest = payload[...]
        var padding = 0
        if has(Self.padded) {
            guard let count = rest.popFirst() else { return nil }
            padding = Int(count)
        }
        if kind == .headers, has(Self.hasPriority) {
            guard rest.count >= 5 else { return nil }
            rest = rest.dropFirst(5)
        }
        return padding <= rest.count ? Array(rest.dropLast(padding)) : nil
    }
}
