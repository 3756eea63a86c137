/// The nine bytes before every frame's payload (RFC 9113 section 4.1).
struct FrameHeader {
    static let byteCount = 9
    /// SETTINGS_MAX_FRAME_SIZE: ours is never raised, and larger ones are never sent.
    static let payloadMax = 16384

    /// Types of frames (section 6).
    static let data: UInt8 = 0x0
    static let headers: UInt8 = 0x1
    static let priority: UInt8 = 0x2
    static let resetStream: UInt8 = 0x3
    static let settings: UInt8 = 0x4
    static let pushPromise: UInt8 = 0x5
    static let ping: UInt8 = 0x6
    static let goAway: UInt8 = 0x7
    static let windowUpdate: UInt8 = 0x8
    static let continuation: UInt8 = 0x9

    static let endStream: UInt8 = 0x1
    static let ack: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let hasPriority: UInt8 = 0x20

    var length: Int
    var type: UInt8
    var flags: UInt8
    var stream: Int32

    init(_ p: UnsafePointer<UInt8>) {
        length = unsafe Int(p[0]) << 16 | Int(p[1]) << 8 | Int(p[2])
        type = unsafe p[3]
        flags = unsafe p[4]
        stream = unsafe Int32(truncatingIfNeeded: Self.number(p + 5) & 0x7fff_ffff)
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    @inline(__always)
    static func write(_ p: UnsafeMutablePointer<UInt8>, _ type: UInt8, _ flags: UInt8, _ stream: Int32, length: Int) {
        unsafe p[0] = UInt8(truncatingIfNeeded: length >> 16)
        unsafe p[1] = UInt8(truncatingIfNeeded: length >> 8)
        unsafe p[2] = UInt8(truncatingIfNeeded: length)
        unsafe p[3] = type
        unsafe p[4] = flags
        unsafe writeNumber(p + 5, UInt32(bitPattern: stream))
    }

    @inline(__always)
    static func number(_ p: UnsafePointer<UInt8>) -> UInt32 {
        unsafe UInt32(p[0]) << 24 | UInt32(p[1]) << 16 | UInt32(p[2]) << 8 | UInt32(p[3])
    }

    @inline(__always)
    static func writeNumber(_ p: UnsafeMutablePointer<UInt8>, _ number: UInt32) {
        unsafe p[0] = UInt8(truncatingIfNeeded: number >> 24)
        unsafe p[1] = UInt8(truncatingIfNeeded: number >> 16)
        unsafe p[2] = UInt8(truncatingIfNeeded: number >> 8)
        unsafe p[3] = UInt8(truncatingIfNeeded: number)
    }
}
