/// The `traceparent` field (W3C Trace Context, version 00).
enum TraceParent {
    /// `vv-tttttttttttttttttttttttttttttttt-pppppppppppppppp-ff` in lower-case hexadecimal, ids not all zero.
    static func isValid(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        guard value.count == 55 || (value.count > 55 && value[55] == 0x2d) else { return false }
        var traceIsZero = true
        var parentIsZero = true
        for i in 0..<55 {
            let byte = value[i]
            if i == 2 || i == 35 || i == 52 {
                guard byte == 0x2d else { return false }
                continue
            }
            guard byte &- 0x30 < 10 || byte &- 0x61 < 6 else { return false }
            if byte != 0x30 {
                if (3..<35).contains(i) { traceIsZero = false }
                if (36..<52).contains(i) { parentIsZero = false }
            }
        }
        return !traceIsZero && !parentIsZero && !(value[0] == 0x66 && value[1] == 0x66)
    }
}
