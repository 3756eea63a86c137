import HTTP1
import Wire

/// What a parser made of some bytes, copied out of the block so that tests can compare it.
struct ParsedHead: Equatable {
    enum Kind { case request, response, trailers }

    var outcome: HeadOutcome
    var byteCount = 0
    var method = ""
    var target = ""
    var status = 0
    var reason = ""
    var version = HTTPVersion.http11
    /// `name: value` each, as they stand.
    var fields: [String] = []
    var facts: HeaderFacts = []
    var contentLength: UInt64 = 0
    var duplicates: [FieldName] = []
    var seen: [FieldName] = []
    var keepAliveSeconds: UInt32 = 0

    /// Reads bytes that lie alone in their allocation, so that a sanitizer sees a read past their end.
    init(_ kind: Kind, _ bytes: [UInt8], limit: Int = 64 << 10, capacity: Int = 128) {
        var block = HeaderBlock(capacity: capacity)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
        defer { memory.deallocate() }
        memory.initialize(from: bytes, count: bytes.count)
        let limits = HeadLimits(headerBytesMax: limit)
        switch kind {
        case .request: outcome = HeadParser.request(memory, count: bytes.count, limits: limits, into: &block)
        case .response: outcome = HeadParser.response(memory, count: bytes.count, limits: limits, into: &block)
        case .trailers: outcome = HeadParser.trailers(memory, count: bytes.count, limits: limits, into: &block)
        }
        guard outcome == .complete else { return }
        byteCount = block.byteCount
        method = kind == .request ? text(block.bytes(block.methodText)) : ""
        target = kind == .request ? text(block.bytes(block.target)) : ""
        status = block.status
        reason = kind == .response ? text(block.bytes(block.reason)) : ""
        version = block.version
        for i in 0..<block.count {
            fields.append("\(text(block.nameBytes(block.fields[i]))): \(text(block.value(block.fields[i])))")
        }
        facts = block.facts
        contentLength = block.contentLength
        duplicates = names(block.duplicates)
        seen = names(block.seen)
        keepAliveSeconds = block.keepAliveSeconds
    }

    init(_ kind: Kind, _ text: String, limit: Int = 64 << 10, capacity: Int = 128) {
        self.init(kind, Array(text.utf8), limit: limit, capacity: capacity)
    }
}

private func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

private func names(_ bits: UInt32) -> [FieldName] {
    FieldName.allCases.filter { bits & (1 << UInt32($0.rawValue)) != 0 }
}

/// A malformed head given byte by byte: incomplete for a while, then malformed for that reason, and so for ever.
func everyCutAgrees(_ kind: ParsedHead.Kind, _ bytes: [UInt8], _ fault: Malformation?) -> Bool {
    var reported = false
    for count in 0...bytes.count {
        switch ParsedHead(kind, Array(bytes[..<count])).outcome {
        case .incomplete: if reported { return false }
        case .malformed(let found):
            if found != fault { return false }
            reported = true
        case .complete: return fault == nil && ParsedHead(kind, Array(bytes[..<count])).byteCount == count
        }
    }
    return reported || fault == nil
}
