import Exchanges

/// What followed a status line inside a Content-Length body, as far as it is kept.
struct EmbeddedCapture {
    /// Offset of the status line from the body's first byte.
    let offset: UInt64
    private(set) var kept: [UInt8] = []

    init(offset: UInt64) { self.offset = offset }

    mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        let room = SurplusFacts.keptBytesMax - kept.count
        if room > 0 { kept.append(contentsOf: UnsafeBufferPointer(start: bytes, count: min(count, room))) }
    }
}
