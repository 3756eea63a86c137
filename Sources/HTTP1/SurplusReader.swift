import Facts
import Wire

/// Says what bytes look like that no answer accounts for. Cold: it runs once an incident.
public enum SurplusReader: SurplusReading {
    /// Reads the kept bytes, of `total` in all.
    public static func read(_ kept: [UInt8], total: UInt64) -> SurplusFacts {
        var facts = SurplusFacts(total: total)
        facts.isOnlyLineEnds = total == UInt64(kept.count) && kept.allSatisfy { $0 == 0x0d || $0 == 0x0a }
        unsafe kept.withUnsafeBufferPointer { bytes in
            // Empty lines before a status line are part of the surplus, but no reason to miss the status line.
            let blank = unsafe bytes.prefix { $0 == 0x0d || $0 == 0x0a }.count
            guard let start = bytes.baseAddress, bytes.count > blank else { return }
            let base = unsafe start + blank
            let count = bytes.count - blank
            let expected: StaticString = "HTTP/1."
            facts.beginsLikeHeaderBlock = (0..<min(7, count)).allSatisfy { unsafe base[$0] == expected.utf8Start[$0] }
            guard facts.beginsLikeHeaderBlock, count >= 12 else { return }
            unsafe readBlock(base, count, &facts)
        }
        return facts
    }

    /// The answers of which the kept bytes are made, each with where it begins; the last of them has all that is left.
    public static func answers(_ kept: [UInt8], total: UInt64, max: Int) -> [(offset: Int, facts: SurplusFacts)] {
        var answers: [(offset: Int, facts: SurplusFacts)] = []
        var offset = 0
        while true {
            var facts = read(Array(kept[offset...]), total: total - UInt64(offset))
            let length = facts.messageBytes.flatMap { Int(exactly: $0) } ?? Int.max
            let isLast =
                answers.count + 1 == max || facts.status ?? 0 < 200 || length >= kept.count - offset
                || answerStart(in: Array(kept[(offset + length)...])) != 0
            if !isLast { facts.total = UInt64(length) }
            answers.append((offset, facts))
            if isLast { return answers }
            offset += length
        }
    }

    /// Where a status line begins in the bytes.
    public static func answerStart(in kept: [UInt8]) -> Int? {
        unsafe kept.withUnsafeBufferPointer { bytes in
            unsafe bytes.baseAddress.flatMap { unsafe Scan.statusLine($0, count: bytes.count) }
        }
    }

    public static func mayBeTimeoutNotice(_ kept: [UInt8]) -> Bool {
        unsafe kept.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return false }
            return unsafe EmbeddedStatusLine.mayBe(408, base, bytes.count)
        }
    }

    // MARK: The first look

    public static func isOnlyLineEnds(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        (0..<count).allSatisfy { unsafe bytes[$0] == 0x0d || bytes[$0] == 0x0a }
    }

    /// Line ends are no second answer, and a timeout's notice is innocent once the close is there: only the end of the bytes will show.
    public static func mayBeInnocent(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        unsafe isOnlyLineEnds(bytes, count) || EmbeddedStatusLine.mayBe(408, bytes, count)
    }

    /// Whether the bytes begin so; `orShorter`: as far as they go.
    public static func begins(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, like text: StaticString, orShorter: Bool = false
    ) -> Bool {
        guard orShorter || count >= text.utf8CodeUnitCount else { return false }
        return (0..<min(count, text.utf8CodeUnitCount)).allSatisfy { unsafe bytes[$0] == text.utf8Start[$0] }
    }

    /// Whether the bytes begin with a whole final header block that keeps its connection.
    public static func keepsConnection(_ kept: [UInt8]) -> Bool {
        unsafe kept.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return false }
            var block = HeaderBlock(capacity: 256)
            let limits = HeadLimits(headerBytesMax: SurplusFacts.keptBytesMax)
            guard unsafe HeadParser.response(base, count: bytes.count, limits: limits, into: &block) == .complete else {
                return false
            }
            let keeps = block.version == .http11 ? !block.facts.contains(.close) : block.facts.contains(.keepAlive)
            return keeps && block.status >= 200 && ResponseDecoder.framing(of: block, answering: .get).framing != .untilClose
        }
    }

    private static func readBlock(_ base: UnsafePointer<UInt8>, _ count: Int, _ facts: inout SurplusFacts) {
        var block = HeaderBlock(capacity: 256)
        let outcome = unsafe HeadParser.response(
            base, count: count, limits: HeadLimits(headerBytesMax: SurplusFacts.keptBytesMax), into: &block)
        guard block.status != 0 else { return }
        facts.status = block.status
        var lineEnd = 0
        while lineEnd < count, unsafe base[lineEnd] != 0x0d, unsafe base[lineEnd] != 0x0a { lineEnd += 1 }
        facts.startLine = unsafe String(decoding: UnsafeBufferPointer(start: base, count: min(lineEnd, 256)), as: UTF8.self)
        facts.fields = (0..<block.count).map { i in
            unsafe String(decoding: block.nameBytes(block.fields[i]), as: UTF8.self).lowercased()
        }
        guard outcome == .complete else { return }
        facts.blockBytes = UInt64(block.byteCount)
        facts.shape = AnswerShape.of(block)
        let framing = ResponseDecoder.framing(of: block, answering: .get)
        if block.status < 200 || framing.framing == .none {
            facts.messageBytes = facts.blockBytes
        } else if framing.framing == .length {
            facts.messageBytes = UInt64(block.byteCount) &+ framing.remaining
        }
    }
}
