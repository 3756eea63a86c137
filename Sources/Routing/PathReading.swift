/// How a server may read a path. Always: percent-encoding undone (but of slashes and percent signs), several slashes as one.
///
/// Servers differ in what they make of dot segments, of a slash that is encoded or leans backwards, of parameters after a semicolon, and of
/// two slashes at the front. Such a path has further readings; a request is only served when all of them lead to the same route.
public struct PathReading: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Dot segments removed (RFC 3986 section 5.2.4).
    static let resolves = PathReading(rawValue: 1 << 0)
    /// Encoded and backward slashes are slashes.
    static let folds = PathReading(rawValue: 1 << 1)
    /// Parameters of segments left out, as servers of Java do.
    static let strips = PathReading(rawValue: 1 << 2)
    /// Empty segments are segments while dot segments are removed, as URL parsers have it.
    static let countsEmpty = PathReading(rawValue: 1 << 3)

    /// How routes read it.
    static let literal: PathReading = []
    static let resolved: PathReading = .resolves
    static let folded: PathReading = [.resolves, .folds]

    /// What a path has that not every server reads alike.
    struct Doubts: OptionSet {
        let rawValue: UInt8
        static let dotSegments = Doubts(rawValue: 1 << 0)
        static let slashes = Doubts(rawValue: 1 << 1)
        static let parameters = Doubts(rawValue: 1 << 2)
        static let emptySegments = Doubts(rawValue: 1 << 3)

        /// Calls `body` with each reading beside the literal one, until it says that this was enough.
        func eachReading(_ body: (PathReading) -> Bool) {
            guard !isDisjoint(with: [.dotSegments, .slashes, .parameters]) else { return }
            let mayBe: PathReading = [
                contains(.slashes) ? .folds : [], contains(.parameters) ? .strips : [],
                isDisjoint(with: [.emptySegments, .parameters]) ? [] : .countsEmpty,
            ]
            for flags in UInt8(1)..<16 where mayBe.union(.resolves).rawValue & flags == flags {
                let reading = PathReading(rawValue: flags)
                // Some undo encoded slashes, or leave parameters out, and let dots be.
                guard reading.contains(.resolves) || !reading.contains(.countsEmpty) else { continue }
                if body(reading) { return }
            }
        }
    }

    /// Whether routes read the path as it stands, and nobody reads it otherwise. Most paths are so.
    static func isPlain(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for i in path.indices {
            let byte = unsafe path[i]
            if byte == 0x25 || byte == 0x5c || byte == 0x3b { return false }
            if previous == 0x2f, byte == 0x2f || byte == 0x2e { return false }
            previous = byte
        }
        return true
    }

    /// Where the path begins for who takes two slashes at the front for the beginning of a host (RFC 3986 section 4.2), backward ones too:
    /// at a slash, or at the path's end. Nil when nobody does.
    static func startBehindHost(_ path: UnsafeBufferPointer<UInt8>) -> Int? {
        func isSlash(_ i: Int) -> Bool { unsafe i < path.count && (path[i] == 0x2f || path[i] == 0x5c) }
        guard isSlash(0), isSlash(1) else { return nil }
        var i = 2
        while isSlash(i) { i += 1 }
        while i < path.count, !isSlash(i) { i += 1 }
        return i
    }

    /// Writes the reading, which is never longer than the path. The path begins with a slash of whatever kind.
    func write(_ path: UnsafeBufferPointer<UInt8>, to out: UnsafeMutablePointer<UInt8>, doubts: inout Doubts) -> Int {
        unsafe out[0] = 0x2f
        var count = 1
        var i = 1
        // Where the segment being written begins, and whether its parameters have begun.
        var segment = 1
        var isParameter = false
        while i < path.count {
            let unit = unsafe Self.unit(path, i)
            i += unit.length
            let isSlash = unit.byte == 0x2f || unit.byte == 0x5c
            if isSlash, unit.length > 1 || unit.byte == 0x5c { doubts.insert(.slashes) }
            if isSlash, unit.length == 1 && unit.byte == 0x2f || contains(.folds) {
                let isRemoved = unsafe endSegment(out, &count, segment, &doubts)
                if unsafe out[count - 1] != 0x2f || contains(.countsEmpty) && !isRemoved {
                    unsafe out[count] = 0x2f
                    count += 1
                } else if count == segment {
                    doubts.insert(.emptySegments)
                }
                segment = count
                isParameter = false
                continue
            }
            if unit.byte == 0x3b, unit.length == 1 {
                doubts.insert(.parameters)
                isParameter = contains(.strips)
            }
            if isParameter { continue }
            if unit.length > 1, let digits = Self.keptDigits(unit.byte) {
                unsafe out[count] = 0x25
                unsafe out[count + 1] = digits.0
                unsafe out[count + 2] = digits.1
                count += 3
            } else {
                unsafe out[count] = unit.byte
                count += 1
            }
        }
        _ = unsafe endSegment(out, &count, segment, &doubts)
        return unsafe contains(.countsEmpty) ? Self.merge(out, count) : count
    }

    /// Several slashes become one.
    private static func merge(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
        var kept = 1
        for i in 1..<max(count, 1) where unsafe bytes[i] != 0x2f || bytes[kept - 1] != 0x2f {
            unsafe bytes[kept] = unsafe bytes[i]
            kept += 1
        }
        return kept
    }

    /// Removes the segment that has just been written, with its parent, where it is a dot segment.
    private func endSegment(
        _ out: UnsafeMutablePointer<UInt8>, _ count: inout Int, _ start: Int, _ doubts: inout Doubts
    ) -> Bool {
        let length = count - start
        guard length == 1 || length == 2, unsafe out[start] == 0x2e, unsafe out[count - 1] == 0x2e else { return false }
        doubts.insert(.dotSegments)
        guard contains(.resolves) else { return false }
        count = start
        guard length == 2, count > 1 else { return true }
        count -= 1
        while count > 0, unsafe out[count - 1] != 0x2f { count -= 1 }
        return true
    }

    /// The byte that stands at `i`, percent-encoding undone, and how many bytes it takes.
    @inline(__always)
    static func unit(_ path: UnsafeBufferPointer<UInt8>, _ i: Int) -> (byte: UInt8, length: Int) {
        guard unsafe path[i] == 0x25, i + 2 < path.count, let high = unsafe hex(path[i + 1]), let low = unsafe hex(path[i + 2])
        else {
            return unsafe (path[i], 1)
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
        return unsafe [UInt8](unsafeUninitializedCapacity: bytes.count + 1) { out, count in
            count = unsafe bytes.withUnsafeBufferPointer {
                unsafe Self.literal.write($0, to: out.baseAddress!, doubts: &doubts)
            }
        }
    }

    /// How many bytes of `path` spell `prefix`, which is read literally and does not end in a slash; nil when it does not begin so.
    static func count(of prefix: UnsafeBufferPointer<UInt8>, in path: UnsafeBufferPointer<UInt8>) -> Int? {
        var i = 0
        var matched = 0
        while matched < prefix.count {
            guard i < path.count else { return nil }
            let unit = unsafe unit(path, i)
            if unit.length == 3, let digits = keptDigits(unit.byte) {
                guard matched + 3 <= prefix.count, unsafe prefix[matched] == 0x25, unsafe prefix[matched + 1] == digits.0,
                    unsafe prefix[matched + 2] == digits.1
                else { return nil }
                matched += 3
            } else {
                guard unsafe unit.byte == prefix[matched] else { return nil }
                matched += 1
            }
            i += unit.length
            if unit.byte == 0x2f, unit.length == 1 { while i < path.count, unsafe path[i] == 0x2f { i += 1 } }
        }
        return i
    }
}
