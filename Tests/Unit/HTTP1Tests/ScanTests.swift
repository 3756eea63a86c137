import Chance
import Testing

@testable import HTTP1

/// The byte searches against the plainest way to write each.
@Suite struct ScanTests {
    @Test func tokens() {
        for byte in UInt8.min...UInt8.max { #expect(Scan.isToken(byte) == tokenCharacters.contains(byte), "\(byte)") }
    }

    @Test func hexadecimalDigits() {
        for byte in UInt8.min...UInt8.max {
            let isHex = byte < 128 && Character(Unicode.Scalar(byte)).isHexDigit
            #expect(
                Scan.hexDigit(byte).map { Int($0) } == (isHex ? Int(String(Unicode.Scalar(byte)), radix: 16) : nil), "\(byte)")
        }
    }

    @Test(arguments: 0..<500) func valuesEndAtTheFirstControl(seed: UInt64) {
        var chance = Chance(seed: seed)
        let count = chance.below(70)
        let bytes = (0..<count).map { _ in
            chance.oneIn(30)
                ? UInt8(truncatingIfNeeded: chance.below(32)) : chance.pick([0x09, 0x20, 0x41, 0x7e, 0x7f, 0x80, 0x9f, 0xff])
        }
        let expected = bytes.firstIndex { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f } ?? count
        bytes.withUnsafeBufferPointer { p in
            guard let base = p.baseAddress else { return }
            for start in 0...count {
                let later = bytes[start...].firstIndex { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f } ?? count
                #expect(Scan.endOfValue(base + start, base + count) - base == later)
            }
        }
        #expect(expected <= count)
    }

    @Test(arguments: 0..<300) func heads(seed: UInt64) {
        var chance = Chance(seed: seed)
        let bytes = (0..<chance.below(60)).map { _ in chance.pick([0x0d, 0x0a, 0x0d, 0x0a, 0x41]) as UInt8 }
        for from in 0...bytes.count {
            var expected: Int?
            var i = from
            while expected == nil, i + 4 <= bytes.count {
                if Array(bytes[i..<i + 4]) == [0x0d, 0x0a, 0x0d, 0x0a] { expected = i }
                i += 1
            }
            bytes.withUnsafeBufferPointer { p in
                guard let base = p.baseAddress else { return }
                #expect(Scan.endOfHead(base, from: from, count: bytes.count) == expected)
            }
        }
    }

    /// A head that comes in pieces is looked at once its empty line is there, wherever the last look ended.
    @Test func headsInPieces() {
        let bytes = Array("GET / HTTP/1.1\r\nA: b\r\n\r\n".utf8)
        for from in bytes.indices {
            for count in from...bytes.count {
                #expect(HeadEnd.isIn(bytes, from: from, count: count) == (count == bytes.count), "\(from), \(count)")
            }
        }
    }

    // MARK: Status lines in bodies

    /// As the definition says it, byte by byte.
    private func plain(_ bytes: ArraySlice<UInt8>) -> Int? {
        let version = Array("HTTP/1.".utf8)
        return bytes.indices.first { bytes[$0...].starts(with: version) }.map { $0 - bytes.startIndex }
    }

    private func found(_ bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBufferPointer { Scan.statusLine($0.baseAddress!, count: $0.count) }
    }

    /// Wherever it begins, and wherever the bytes begin and end.
    @Test func everyPlace() {
        for place in 0..<150 {
            var bytes = [UInt8](repeating: 0x78, count: 160)
            bytes.replaceSubrange(place..<min(160, place + 7), with: Array("HTTP/1.".utf8).prefix(160 - place))
            for from in 0...3 {
                for to in [place + 6, place + 7, place + 8, 160] where to <= 160 && from < to {
                    #expect(found(bytes[from..<to]) == plain(bytes[from..<to]), "\(place) in \(from)..<\(to)")
                }
            }
        }
    }

    /// Bytes that are nearly it, some of which are.
    @Test func manyNearly() {
        var random = Chance(seed: 7)
        let pieces = ["HTTP/1.", "HTTP/", "TP", "P/", "/1.", "H", "HTTP/2.", "x", "HTTPHTTP/1.", "1.", "TTP/1."].map {
            Array($0.utf8)
        }
        for _ in 0..<2000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                bytes += pieces[Int.random(in: 1..<pieces.count, using: &random)]
            }
            if Bool.random(using: &random) {
                bytes.insert(contentsOf: pieces[0], at: Int.random(in: 0...bytes.count, using: &random))
            }
            #expect(found(bytes[...]) == plain(bytes[...]), "\(bytes)")
        }
    }
}
