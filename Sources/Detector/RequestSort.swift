/// What sort of request one is: a hash of its route, its method, and its path without what varies in it.
public enum RequestSort {
    /// Bytes of a path that are looked at.
    private static let bytesMax = 256

    public static func of(route: UInt16, method: UInt8, target: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var hash: UInt32 = 2_166_136_261
        func add(_ byte: UInt8) { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        add(UInt8(truncatingIfNeeded: route))
        add(UInt8(truncatingIfNeeded: route >> 8))
        add(method)
        var segment = 0
        let end = unsafe target.prefix(bytesMax).firstIndex { $0 == 0x3f || $0 == 0x23 } ?? min(target.count, bytesMax)
        while segment < end {
            var next = segment
            while next < end, unsafe target[next] != 0x2f { next += 1 }
            unsafe addSegment(target[segment..<next], add)
            add(0x2f)
            segment = next + 1
        }
        return max(hash, 1)
    }

    /// Runs of digits count as one; a long segment with digits in it is an id or a token.
    private static func addSegment(_ segment: Slice<UnsafeBufferPointer<UInt8>>, _ add: (UInt8) -> Void) {
        let hasDigits = unsafe segment.contains { $0 &- 0x30 < 10 }
        if hasDigits, unsafe segment.count >= 16 { return add(0x2a) }
        var isNumber = false
        for i in unsafe segment.startIndex..<segment.endIndex {
            let byte = unsafe segment[i]
            let isDigit = byte &- 0x30 < 10
            if !isDigit { add(byte) } else if !isNumber { add(0x30) }
            isNumber = isDigit
        }
    }
}
