import Wire

/// Trailer sections as they are passed on (RFC 9110 section 6.5.1).
enum Trailers {
    /// Writes the fields that may stand in trailers, none that frames or routes a message; returns what was written.
    static func write(_ block: borrowing HeaderBlock, to bytes: UnsafeMutablePointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var out = ByteWriter(bytes)
        for i in 0..<block.count where !block.fields[i].isDropped {
            switch block.fields[i].name {
            case .other, .etag, .age, .expires, .date, .lastModified, .traceparent, .tracestate:
                out.put(block.base + Int(block.fields[i].start), Int(block.fields[i].end - block.fields[i].start))
            default: continue
            }
        }
        return UnsafeBufferPointer(start: bytes, count: out.count)
    }
}
