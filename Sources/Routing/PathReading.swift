/// How routes read a path: percent-encoding undone (but of slashes and percent signs), several slashes as one.
///
/// Servers differ in what they make of dot segments and of a slash that is encoded or leans backwards. Such a path has
/// further readings; a request is only served when all of them lead to the same route.
public enum PathReading {
    case literal
    /// Dot segments removed (RFC 3986 section 5.2.4).
    case resolved
    /// Encoded and backward slashes are slashes, and dot segments removed.
    case folded

    /// What a path has that not every server reads alike.
    struct Doubts: OptionSet {
        let rawValue: UInt8
        static let dotSegments = Doubts(rawValue: 1)
        static let slashes = Doubts(rawValue: 2)
    }

    /// Whether routes read the path as it stands. Most do.
    static func isPlain(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for byte in path {
            if byte == 0x25 || byte == 0x5c { return false }
            if previous == 0x2f, byte == 0x2f || byte == 0x2e { return false }
            previous = byte
        }
        return true
    }

    /// Writes the reading, which is never longer than the path. The path begins with a slash.
    func write(_ path: UnsafeBufferPointer<UInt8>, to out: UnsafeMutablePointer<UInt8>, doubts: inout Doubts) -> Int {
        var count = 0
        var i = 0
        // Where the segment being written begins.
        var segment = 1
        while i < path.count {
            let unit = Self.unit(path, i)
            i += unit.length
            let isSlash = unit.byte == 0x2f || unit.byte == 0x5c
            if isSlash, unit.length > 1 || unit.byte == 0x5c { doubts.insert(.slashes) }
            if isSlash, unit.length == 1 && unit.byte == 0x2f || self == .folded {
                endSegment(out, &count, segment, &doubts)
                if count == 0 || out[count - 1] != 0x2f { out[count] = 0x2f; count += 1 }
                segment = count
            } else if unit.length > 1, let digits = Self.keptDigits(unit.byte) {
                out[count] = 0x25
                out[count + 1] = digits.0
                out[count + 2] = digits.1
                count += 3
            } else {
                out[count] = unit.byte
                count += 1
            }
        }
        endSegment(out, &count, segment, &doubts)
        return count
    }

    /// Removes the segment that has just been written, with its parent, where it is a dot segment.
    private func endSegment(_ out: UnsafeMutablePointer<UInt8>, _ count: inout Int, _ start: Int, _ doubts: inout Doubts) {
        let length = count - start
        guard length == 1 || length == 2, out[start] == 0x2e, out[count - 1] == 0x2e else { return }
        doubts.insert(.dotSegments)
        guard self != .literal else { return }
        count = start
        guard length == 2, count > 1 else { return }
        count -= 1
        while count > 0, out[count - 1] != 0x2f { count -= 1 }
    }

    /// The byte that stands at `i`, percent-encoding undone, and how many bytes it takes.
    @inline(__always)
    static func unit(_ path: UnsafeBufferPointer<UInt8>, _ i: Int) -> (byte: UInt8, length: Int) {
        guard path[i] == 0x25, i + 2 < path.count, let high = hex(path[i + 1]), let low = hex(path[i + 2]) else {
            return (path[i], 1)
        }
        return (high << 4 | low, 3)
    }

    /// Encoded slashes and percent signs stay encoded, in capitals: undone, they would be taken for others.
    static func keptDigits(_ byte: UInt8) -> (UInt8, UInt8)? {
        switch byte {
        case 0x2f: (0x32, 0x46)
        case 0x5c: (0x35, 0x43)
        case 0x25: (0x32, 0x35)
        default: nil
        }
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    /// A path of the configuration as routes read it.
    public static func literal(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var doubts = Doubts()
        return [UInt8](unsafeUninitializedCapacity: bytes.count + 1) { out, count in
            count = bytes.withUnsafeBufferPointer { Self.literal.write($0, to: out.baseAddress!, doubts: &doubts) }
        }
    }

    /// How many bytes of `path` spell `prefix`, which is read literally and does not end in a slash; nil when it does not begin so.
    static func count(of prefix: UnsafeBufferPointer<UInt8>, in path: UnsafeBufferPointer<UInt8>) -> Int? {
        var i = 0
        var matched = 0
        while matched < prefix.count {
            guard i < path.count else { return nil }
            let unit = unit(path, i)
            if unit.length == 3, let digits = keptDigits(unit.byte) {
                guard matched + 3 <= prefix.count, prefix[matched] == 0x25, prefix[matched + 1] == digits.0,
                    prefix[matched + 2] == digits.1
                else { return nil }
                matched += 3
            } else {
                guard unit.byte == prefix[matched] else { return nil }
                matched += 1
            }
            i += unit.length
            if unit.byte == 0x2f, unit.length == 1 { while i < path.count, path[i] == 0x2f { i += 1 } }
        }
        return i
    }
}
