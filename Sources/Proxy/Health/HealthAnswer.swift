import Wire

/// The bytes that answer a health check, as far as they have come.
struct HealthAnswer {
    /// A header block longer than this is a failed check.
    static let bytesMax = 16 << 10

    enum Verdict: Equatable {
        case unfinished, healthy
        case unhealthy(String)
    }

    private var bytes: [UInt8] = []
    /// No header block ends before this place, and where its line begins.
    private var scanned = 0
    private var lineStart = 0
    /// Nil for HTTP/1.
    private let stream: HealthStream?

    init(_ stream: HealthStream? = nil) { self.stream = stream }

    static func verdict(status: Int) -> Verdict { 200..<400 ~= status ? .healthy : .unhealthy("it answered \(status)") }

    mutating func receive(_ more: UnsafeBufferPointer<UInt8>) -> Verdict {
        if let stream { return stream.receive(more) }
        guard bytes.count + more.count <= Self.bytesMax else { return .unhealthy("its header block does not end") }
        bytes.append(contentsOf: more)
        return verdict()
    }

    /// Healthy is 200 to 399; interim answers are passed over.
    private mutating func verdict() -> Verdict {
        while true {
            let start = bytes.prefix(12)
            guard Self.mayBeStatusLine(start) else { return .unhealthy("it does not speak HTTP/1") }
            guard let end = headEnd() else { return .unfinished }
            guard start.count == 12 else { return .unhealthy("it does not speak HTTP/1") }
            let status = start[9...].reduce(0) { $0 * 10 + Int($1 &- 0x30) }
            if status >= 200 { return Self.verdict(status: status) }
            bytes.removeFirst(end)
            (scanned, lineStart) = (0, 0)
        }
    }

    /// `HTTP/1.x NNN`, or the beginning of it.
    private static func mayBeStatusLine(_ start: ArraySlice<UInt8>) -> Bool {
        for (place, (byte, expected)) in zip(start, "HTTP/1.x nnn".utf8).enumerated() {
            switch place {
            case 7: guard byte == 0x30 || byte == 0x31 else { return false }
            case 9: guard 0x31...0x35 ~= byte else { return false }
            case 10, 11: guard 0x30...0x39 ~= byte else { return false }
            default: guard byte == expected else { return false }
            }
        }
        return true
    }

    private mutating func headEnd() -> Int? {
        while scanned < bytes.count {
            let place = scanned
            scanned += 1
            guard bytes[place] == 0x0a else { continue }
            let isEmpty = place == lineStart || (place == lineStart + 1 && bytes[lineStart] == 0x0d)
            if isEmpty, lineStart > 0 { return scanned }
            lineStart = scanned
        }
        return nil
    }
}
