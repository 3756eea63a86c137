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
        var base = bytes
        var skipped = 0
        while count - skipped >= 2, base[0] == 0x0d, base[1] == 0x0a {
            skipped += 2
            base += 2
            guard skipped <= limits.headerBytesMax else { return .malformed(.headerTooLarge) }
        }
        if count - skipped == 1, base[0] == 0x0d { return .incomplete }
        block.reset(base: base)
        let limit = min(count - skipped, limits.headerBytesMax)
        let outcome = requestLine(base, base + limit, &block)
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
        block.reset(base: bytes)
        let limit = min(count, limits.headerBytesMax)
        let outcome = statusLine(bytes, bytes + limit, &block)
        if outcome == .incomplete, limit < count { return .malformed(.headerTooLarge) }
        return outcome
    }

    /// Reads a trailer section: field lines and an empty line, without a start line.
    public static func trailers(
        _ bytes: UnsafePointer<UInt8>, count: Int, limits: HeadLimits, into block: inout HeaderBlock
    ) -> HeadOutcome {
        block.reset(base: bytes)
        let limit = min(count, limits.headerBytesMax)
        let outcome = fieldLines(bytes, bytes + limit, &block, takesBareLineFeeds: false)
        if outcome == .incomplete, limit < count { return .malformed(.headerTooLarge) }
        return outcome
    }

    private static func requestLine(
        _ base: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ block: inout HeaderBlock
    ) -> HeadOutcome {
        var p = base
        while p < end, Scan.isToken(p.pointee) { p += 1 }
        guard p < end else { return .incomplete }
        guard p.pointee == 0x20, p > base else { return .malformed(.startLine) }
        block.methodText = ByteRange(start: 0, count: p - base)
        block.method = Method(base, count: p - base)
        p += 1
        let target = p
        // Visible ASCII only: what else a client writes has to be percent-encoded (RFC 3986 section 2).
        while p < end, p.pointee > 0x20, p.pointee < 0x7f { p += 1 }
        guard p < end else { return .incomplete }
        guard p.pointee == 0x20, p > target else {
            return .malformed(p.pointee == 0x20 ? .startLine : .target)
        }
        block.target = ByteRange(start: target - base, count: p - target)
        p += 1
        guard prefixMatches(p, end, upTo: 5) else { return .malformed(.startLine) }
        guard end - p >= 10 else { return prefixMatches(p, end) ? .incomplete : .malformed(.version) }
        guard let version = version(p) else { return .malformed(.version) }
        block.version = version
        p += 8
        guard p[0] == 0x0d, p[1] == 0x0a else { return .malformed(.lineEnd) }
        return fieldLines(p + 2, end, &block, takesBareLineFeeds: false)
    }

    private static func statusLine(
        _ base: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ block: inout HeaderBlock
    ) -> HeadOutcome {
        var p = base
        guard end - p >= 12 else { return prefixMatches(p, end) ? .incomplete : .malformed(.startLine) }
        guard let version = version(p) else { return .malformed(prefixMatches(p, p + 7) ? .version : .startLine) }
        block.version = version
        guard p[8] == 0x20 else { return .malformed(.startLine) }
        var status = 0
        for i in 9..<12 {
            guard p[i] &- 0x30 < 10 else { return .malformed(.startLine) }
            status = status * 10 + Int(p[i] &- 0x30)
        }
        guard status >= 100 else { return .malformed(.startLine) }
        block.status = status
        p += 12
        guard p < end else { return .incomplete }
        // The reason may be empty, and some servers leave out the space before it.
        if p.pointee == 0x20 { p += 1 } else if p.pointee != 0x0d, p.pointee != 0x0a { return .malformed(.startLine) }
        let reason = p
        p = Scan.endOfValue(p, end)
        guard p < end else { return .incomplete }
        block.reason = ByteRange(start: reason - base, count: p - reason)
        if p.pointee == 0x0a {
            block.facts.insert(.bareLineFeed)
            return fieldLines(p + 1, end, &block, takesBareLineFeeds: true)
        }
        guard p.pointee == 0x0d else { return .malformed(.lineEnd) }
        guard p + 1 < end else { return .incomplete }
        guard p[1] == 0x0a else { return .malformed(.lineEnd) }
        return fieldLines(p + 2, end, &block, takesBareLineFeeds: true)
    }

    /// Whether the bytes begin as `HTTP/1.` begins: more may make them a start line.
    private static func prefixMatches(_ p: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, upTo count: Int = 7) -> Bool {
        let expected: StaticString = "HTTP/1."
        for i in 0..<min(end - p, count) where p[i] != expected.utf8Start[i] { return false }
        return true
    }

    private static func version(_ p: UnsafePointer<UInt8>) -> HTTPVersion? {
        guard Scan.isVersion(p), p[7] &- 0x30 < 10 else { return nil }
        return p[7] == 0x30 ? .http10 : .http11
    }

    private static func fieldLines(
        _ first: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, _ block: inout HeaderBlock, takesBareLineFeeds: Bool
    ) -> HeadOutcome {
        let base = block.base
        var p = first
        while true {
            guard p < end else { return .incomplete }
            if p.pointee == 0x0d {
                guard p + 1 < end else { return .incomplete }
                guard p[1] == 0x0a else { return .malformed(.lineEnd) }
                block.byteCount = p + 2 - base
                FieldReader.conclude(&block)
                return .complete
            }
            if p.pointee == 0x0a, takesBareLineFeeds {
                block.facts.insert(.bareLineFeed)
                block.byteCount = p + 1 - base
                FieldReader.conclude(&block)
                return .complete
            }
            let name = p
            while p < end, Scan.isToken(p.pointee) { p += 1 }
            guard p < end else { return .incomplete }
            guard p.pointee == 0x3a, p > name else { return .malformed(badName(p, isFirst: p == name)) }
            let nameCount = p - name
            p += 1
            while p < end, p.pointee == 0x20 || p.pointee == 0x09 { p += 1 }
            let value = p
            p = Scan.endOfValue(p, end)
            guard p < end else { return .incomplete }
            var valueEnd = p
            while valueEnd > value, valueEnd[-1] == 0x20 || valueEnd[-1] == 0x09 { valueEnd -= 1 }
            if p.pointee == 0x0d {
                guard p + 1 < end else { return .incomplete }
                guard p[1] == 0x0a else { return .malformed(.lineEnd) }
                p += 2
            } else {
                guard p.pointee == 0x0a else { return .malformed(.fieldValue) }
                guard takesBareLineFeeds else { return .malformed(.lineEnd) }
                block.facts.insert(.bareLineFeed)
                p += 1
            }
            guard block.count < block.capacity else { return .malformed(.tooManyFields) }
            guard nameCount <= Int(UInt16.max) else { return .malformed(.fieldName) }
            let known = FieldName(name, count: nameCount)
            block.fields[block.count] = Field(
                start: UInt32(truncatingIfNeeded: name - base), end: UInt32(truncatingIfNeeded: p - base),
                nameCount: UInt16(truncatingIfNeeded: nameCount), name: known,
                valueStart: UInt32(truncatingIfNeeded: value - base), valueCount: UInt32(truncatingIfNeeded: valueEnd - value))
            block.count += 1
            if known != .other { FieldReader.note(known, value, valueEnd - value, &block) }
        }
    }

    private static func badName(_ p: UnsafePointer<UInt8>, isFirst: Bool) -> Malformation {
        switch p.pointee {
        case 0x20, 0x09: isFirst ? .foldedLine : .spaceBeforeColon
        case 0x0a: .lineEnd
        default: .fieldName
        }
    }
}
