import Exchanges
import Wire

/// Says what bytes look like that no answer accounts for. Cold: it runs once an incident.
public enum SurplusReader {
    /// Bytes from the first surplus one that are kept to be looked at; what comes after is only counted.
    public static let keptBytesMax = 8 * 1024

    /// Reads the kept bytes, of `total` in all.
    public static func read(_ kept: [UInt8], total: UInt64) -> SurplusFacts {
        var facts = SurplusFacts(total: total)
        facts.isOnlyLineEnds = total == UInt64(kept.count) && kept.allSatisfy { $0 == 0x0d || $0 == 0x0a }
        kept.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
            let expected: StaticString = "HTTP/1."
            facts.beginsLikeHeaderBlock = (0..<min(7, bytes.count)).allSatisfy { base[$0] == expected.utf8Start[$0] }
            guard facts.beginsLikeHeaderBlock, bytes.count >= 12 else { return }
            readBlock(base, bytes.count, &facts)
        }
        return facts
    }

    private static func readBlock(_ base: UnsafePointer<UInt8>, _ count: Int, _ facts: inout SurplusFacts) {
        var block = HeaderBlock(capacity: 256)
        let outcome = HeadParser.response(base, count: count, limits: HeadLimits(headerBytesMax: keptBytesMax), into: &block)
        guard block.status != 0 else { return }
        facts.status = block.status
        var lineEnd = 0
        while lineEnd < count, base[lineEnd] != 0x0d, base[lineEnd] != 0x0a { lineEnd += 1 }
        facts.startLine = String(decoding: UnsafeBufferPointer(start: base, count: min(lineEnd, 256)), as: UTF8.self)
        facts.fields = (0..<block.count).map { i in
            String(decoding: block.nameBytes(block.fields[i]), as: UTF8.self).lowercased()
        }
        guard outcome == .complete else { return }
        facts.blockBytes = UInt64(block.byteCount)
        let framing = ResponseDecoder.framing(of: block, answering: .get)
        if block.status < 200 || framing.framing == .none {
            facts.messageBytes = facts.blockBytes
        } else if framing.framing == .length {
            facts.messageBytes = UInt64(block.byteCount) &+ framing.remaining
        }
    }
}
