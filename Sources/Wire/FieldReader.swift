/// Draws from known fields the facts that framing and persistence depend on. The same for every version of HTTP.
public enum FieldReader {
    /// Notes one field of a block.
    public static func note(_ name: FieldName, _ value: UnsafePointer<UInt8>, _ count: Int, _ block: inout HeaderBlock) {
        let bit = UInt32(1) << UInt32(name.rawValue)
        let isRepeated = block.seen & bit != 0
        block.seen |= bit
        if isRepeated, name.isSingleton { block.duplicates |= bit }
        switch name {
        case .contentLength: unsafe contentLength(value, count, isRepeated: isRepeated, &block)
        case .transferEncoding: unsafe transferEncoding(value, count, &block)
        case .connection: unsafe connection(value, count, &block)
        case .keepAlive: unsafe keepAlive(value, count, &block)
        case .upgrade: block.facts.insert(.upgradeField)
        default: break
        }
    }

    /// Draws the conclusions that need every field.
    public static func conclude(_ block: inout HeaderBlock) {
        if block.facts.isSuperset(of: [.connectionUpgrade, .upgradeField]) { block.facts.insert(.upgrade) }
    }

    /// Calls `body(pointer, count)` with each non-empty element of a comma-separated list, without its white space.
    @inline(__always)
    public static func eachElement(
        _ value: UnsafePointer<UInt8>, _ count: Int, _ body: (UnsafePointer<UInt8>, Int) -> Void
    ) {
        var start = 0
        while start < count {
            var end = start
            while end < count, unsafe value[end] != 0x2c { end += 1 }
            var first = start
            var last = end
            while first < last, unsafe value[first] == 0x20 || value[first] == 0x09 { first += 1 }
            while last > first, unsafe value[last - 1] == 0x20 || value[last - 1] == 0x09 { last -= 1 }
            if last > first { unsafe body(value + first, last - first) }
            start = end + 1
        }
    }

    /// RFC 9110 section 8.6: one number, or equal ones.
    private static func contentLength(
        _ value: UnsafePointer<UInt8>, _ count: Int, isRepeated: Bool, _ block: inout HeaderBlock
    ) {
        // An empty element stands for no number: who sends one cannot be taken at their word.
        var elements = 0
        var commas = 0
        for i in 0..<count where unsafe value[i] == 0x2c { commas += 1 }
        var facts = block.facts
        var length = block.contentLength
        unsafe eachElement(value, count) { bytes, n in
            elements += 1
            guard let number = unsafe decimal(bytes, n) else {
                facts.insert(.contentLengthInvalid)
                return
            }
            if facts.contains(.contentLength) {
                facts.insert(number == length ? .contentLengthRepeated : .contentLengthDiffers)
            } else {
                facts.insert(.contentLength)
                length = number
            }
        }
        if elements != commas + 1 { facts.insert(.contentLengthInvalid) }
        if elements > 1 { block.duplicates |= 1 << UInt32(FieldName.contentLength.rawValue) }
        block.facts = facts
        block.contentLength = length
    }

    /// RFC 9112 section 6.1: chunked stands last, and once. A list without elements names nothing (RFC 9110 section 5.6.1), and
    /// `identity` was the name of nothing (RFC 2616 section 3.6).
    private static func transferEncoding(_ value: UnsafePointer<UInt8>, _ count: Int, _ block: inout HeaderBlock) {
        var facts = block.facts
        var isRepeated = false
        unsafe eachElement(value, count) { bytes, n in
            facts.insert(.transferEncoding)
            if unsafe equalsIgnoringCase(bytes, "chunked", count: n) {
                if facts.contains(.chunked) { isRepeated = true }
                facts.insert(.chunked)
            } else if facts.isDisjoint(with: .codings), unsafe equalsIgnoringCase(bytes, "identity", count: n) {
                facts.insert(.identityCoding)
            } else {
                // Other codings are not ours to undo; after chunked they break the framing.
                facts.remove(.chunked)
                facts.insert(.otherCoding)
            }
        }
        if isRepeated {
            facts.insert(.chunkedRepeated)
            block.duplicates |= 1 << UInt32(FieldName.transferEncoding.rawValue)
        }
        block.facts = facts
    }

    private static func connection(_ value: UnsafePointer<UInt8>, _ count: Int, _ block: inout HeaderBlock) {
        var facts = block.facts
        unsafe eachElement(value, count) { bytes, n in
            if unsafe equalsIgnoringCase(bytes, "keep-alive", count: n) {
                facts.insert(.keepAlive)
            } else if unsafe equalsIgnoringCase(bytes, "close", count: n) {
                facts.insert(.close)
            } else if unsafe equalsIgnoringCase(bytes, "upgrade", count: n) {
                facts.insert(.connectionUpgrade)
            } else {
                facts.insert(.nominates)
            }
        }
        block.facts = facts
    }

    private static func keepAlive(_ value: UnsafePointer<UInt8>, _ count: Int, _ block: inout HeaderBlock) {
        var seconds: UInt64 = 0
        unsafe eachElement(value, count) { bytes, n in
            if n > 8, unsafe equalsIgnoringCase(bytes, "timeout=", count: 8), let number = unsafe decimal(bytes + 8, n - 8) {
                seconds = number
            }
        }
        block.keepAliveSeconds = UInt32(min(seconds, 86_400))
    }

    /// A number of up to 18 decimal digits and nothing else; nil otherwise, so that nothing can overflow.
    public static func decimal(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64? {
        guard count > 0, count <= 18 else { return nil }
        var number: UInt64 = 0
        for i in 0..<count {
            guard unsafe bytes[i] &- 0x30 < 10 else { return nil }
            number = unsafe number &* 10 &+ UInt64(bytes[i] &- 0x30)
        }
        return number
    }
}
