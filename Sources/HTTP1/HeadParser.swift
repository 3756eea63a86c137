import Wire

/// Reads header blocks of HTTP/1 strictly (RFC 9112 sections 2 to 5): no folding, no space before a colon, and lines that end in CRLF.
///
/// A response's may end in a line feed alone, as every browser and proxy takes it (section 2.2): the block says so. In a request
/// or in trailers, where readers that differ let requests be smuggled, they may not.
public enum HeadParser {
    /// Reads a request's header block, after any number of empty lines (RFC 9112 section 2.2).
    public static func request(
        _ bytes: UnsafePointer<UInt8>, count: Int, limits: HeadLimits, into block: inout HeaderBlock
    ) -> HeadOutcome {
        var base = unsafe bytes
        var skipped = 0
        while count - skipped >= 2, unsafe base[0] == 0x0d, unsafe base[1] == 0x0a {
            skipped += 2
            unsafe base += 2
            guard skipped <= limits.headerBytesMax else { return .malformed(.headerTooLarge) }
        }
        if count - skipped == 1, unsafe base[0] == 0x0d { return .incomplete }
        unsafe block.reset(base: base)
        let limit = min(count - skipped, limits.headerBytesMax)
        let outcome = unsafe requestLine(base, base + limit, &block)
        switch outcome {
        case .complete: block.byteCount += skipped
        case .incomplete where limit < count - skipped: return .malformed(.headerTooLarge)
        default: break
        }
        return outcome
    }

    /// Reads a response's header block.
    public static func response(
        _ bytes: UnsafePointer<UInt8>, count: Int, limits: HeadLimits, into block: inout HeaderBlock
    ) -> HeadOutcome {
        unsafe block.reset(base: bytes)
        let limit = min(count, limits.headerBytesMax)
        let outcome = unsafe statusLine(bytes, bytes + limit, &block)
        if outcome == .incomplete, limit < count { return .malformed(.headerTooLarge) }
        return outcome
    }

    /// Reads a trailer section: field lines and an empty line, without a start line.
    public static func trailers(
        _ bytes: UnsafePointer<UInt8>, count: Int, limits: HeadLimits, into block: inout HeaderBlock
    ) -> HeadOutcome {
        unsafe block.reset(base: bytes)
        let limit = min(count, limits.headerBytesMax)
        let outcome = unsafe fieldLines(bytes, bytes + limit, &block, takesBareLineFeeds: false)
        if outcome == .incomplete, limit < count { return .malformed(.headerTooLarge) }
        return outcome
    }

    private static func requestLine(
        _ base: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ block: inout HeaderBlock
    ) -> HeadOutcome {
        var p = unsafe base
        while unsafe p < end, unsafe Scan.isToken(p.pointee) { unsafe p += 1 }
        guard unsafe p < end else { return .incomplete }
        guard unsafe p.pointee == 0x20, unsafe p > base else { return .malformed(.startLine) }
        block.methodText = unsafe ByteRange(start: 0, count: p - base)
        block.method = unsafe Method(base, count: p - base)
        unsafe p += 1
        let target = unsafe p
        // Visible ASCII only: what else a client writes has to be percent-encoded (RFC 3986 section 2).
        while unsafe p < end, unsafe p.pointee > 0x20, unsafe p.pointee < 0x7f { unsafe p += 1 }
        guard unsafe p < end else { return .incomplete }
        guard unsafe p.pointee == 0x20, unsafe p > target else {
            return unsafe .malformed(p.pointee == 0x20 ? .startLine : .target)
        }
        block.target = unsafe ByteRange(start: target - base, count: p - target)
        unsafe p += 1
        guard unsafe prefixMatches(p, end, upTo: 5) else { return .malformed(.startLine) }
        guard unsafe end - p >= 10 else { return unsafe prefixMatches(p, end) ? .incomplete : .malformed(.version) }
        guard let version = unsafe version(p) else { return .malformed(.version) }
        block.version = version
        unsafe p += 8
        guard unsafe p[0] == 0x0d, unsafe p[1] == 0x0a else { return .malformed(.lineEnd) }
        return unsafe fieldLines(p + 2, end, &block, takesBareLineFeeds: false)
    }

    private static func statusLine(
        _ base: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ block: inout HeaderBlock
    ) -> HeadOutcome {
        var p = unsafe base
        guard unsafe end - p >= 12 else { return unsafe prefixMatches(p, end) ? .incomplete : .malformed(.startLine) }
        guard let version = unsafe version(p) else { return unsafe .malformed(prefixMatches(p, p + 7) ? .version : .startLine) }
        block.version = version
        guard unsafe p[8] == 0x20 else { return .malformed(.startLine) }
        var status = 0
        for i in 9..<12 {
            guard unsafe p[i] &- 0x30 < 10 else { return .malformed(.startLine) }
            status = unsafe status * 10 + Int(p[i] &- 0x30)
        }
        guard status >= 100 else { return .malformed(.startLine) }
        block.status = status
        unsafe p += 12
        guard unsafe p < end else { return .incomplete }
        // The reason may be empty, and some servers leave out the space before it.
        if unsafe p.pointee == 0x20 {
            unsafe p += 1
        } else if unsafe p.pointee != 0x0d, unsafe p.pointee != 0x0a {
            return .malformed(.startLine)
        }
        let reason = unsafe p
        unsafe p = unsafe Scan.endOfValue(p, end)
        guard unsafe p < end else { return .incomplete }
        block.reason = unsafe ByteRange(start: reason - base, count: p - reason)
        if unsafe p.pointee == 0x0a {
            block.facts.insert(.bareLineFeed)
            return unsafe fieldLines(p + 1, end, &block, takesBareLineFeeds: true)
        }
        guard unsafe p.pointee == 0x0d else { return .malformed(.lineEnd) }
        guard unsafe p + 1 < end else { return .incomplete }
        guard unsafe p[1] == 0x0a else { return .malformed(.lineEnd) }
        return unsafe fieldLines(p + 2, end, &block, takesBareLineFeeds: true)
    }

    /// Whether the bytes begin as `HTTP/1.` begins: more may make them a start line.
    private static func prefixMatches(_ p: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, upTo count: Int = 7) -> Bool {
        let expected: StaticString = "HTTP/1."
        for i in unsafe 0..<min(end - p, count) where unsafe p[i] != expected.utf8Start[i] { return false }
        return true
    }

    private static func version(_ p: UnsafePointer<UInt8>) -> HTTPVersion? {
        guard unsafe Scan.isVersion(p), unsafe p[7] &- 0x30 < 10 else { return nil }
        return unsafe p[7] == 0x30 ? .http10 : .http11
    }

    private static func fieldLines(
        _ first: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ block: inout HeaderBlock, takesBareLineFeeds: Bool
    ) -> HeadOutcome {
        let base = unsafe block.base
        var p = unsafe first
        while true {
            guard unsafe p < end else { return .incomplete }
            if unsafe p.pointee == 0x0d {
                guard unsafe p + 1 < end else { return .incomplete }
                guard unsafe p[1] == 0x0a else { return .malformed(.lineEnd) }
                block.byteCount = unsafe p + 2 - base
                FieldReader.conclude(&block)
                return .complete
            }
            if unsafe p.pointee == 0x0a, takesBareLineFeeds {
                block.facts.insert(.bareLineFeed)
                block.byteCount = unsafe p + 1 - base
                FieldReader.conclude(&block)
                return .complete
            }
            let name = unsafe p
            while unsafe p < end, unsafe Scan.isToken(p.pointee) { unsafe p += 1 }
            guard unsafe p < end else { return .incomplete }
            guard unsafe p.pointee == 0x3a, unsafe p > name else { return unsafe .malformed(badName(p, isFirst: p == name)) }
            let nameCount = unsafe p - name
            unsafe p += 1
            while unsafe p < end, unsafe p.pointee == 0x20 || p.pointee == 0x09 { unsafe p += 1 }
            let value = unsafe p
            unsafe p = unsafe Scan.endOfValue(p, end)
            guard unsafe p < end else { return .incomplete }
            var valueEnd = unsafe p
            while unsafe valueEnd > value, unsafe valueEnd[-1] == 0x20 || valueEnd[-1] == 0x09 { unsafe valueEnd -= 1 }
            if unsafe p.pointee == 0x0d {
                guard unsafe p + 1 < end else { return .incomplete }
                guard unsafe p[1] == 0x0a else { return .malformed(.lineEnd) }
                unsafe p += 2
            } else {
                guard unsafe p.pointee == 0x0a else { return .malformed(.fieldValue) }
                guard takesBareLineFeeds else { return .malformed(.lineEnd) }
                block.facts.insert(.bareLineFeed)
                unsafe p += 1
            }
            guard block.count < block.capacity else { return .malformed(.tooManyFields) }
            guard nameCount <= Int(UInt16.max) else { return .malformed(.fieldName) }
            let known = unsafe FieldName(name, count: nameCount)
            unsafe block.fields[block.count] = unsafe Field(
                start: UInt32(truncatingIfNeeded: name - base), end: UInt32(truncatingIfNeeded: p - base),
                nameCount: UInt16(truncatingIfNeeded: nameCount), name: known,
                valueStart: UInt32(truncatingIfNeeded: value - base), valueCount: UInt32(truncatingIfNeeded: valueEnd - value))
            block.count += 1
            if known != .other { unsafe FieldReader.note(known, value, valueEnd - value, &block) }
        }
    }

    private static func badName(_ p: UnsafePointer<UInt8>, isFirst: Bool) -> Malformation {
        switch unsafe p.pointee {
        case 0x20, 0x09: isFirst ? .foldedLine : .spaceBeforeColon
        case 0x0a: .lineEnd
        default: .fieldName
        }
    }
}
