import HTTP2
import Wire

/// Reads one side's bytes of an HTTP/2 connection, piece by piece, with a session of its own.
final class FrameReader {
    /// One fact, with what of it outlives the session's buffers.
    struct Fact {
        var step: HTTP2Step
        var status = 0
        var method = Wire.Method.get
        /// A request's header block as HTTP/1 spells it, or the lines of a trailer section, without the empty line.
        var head: [UInt8] = []
        /// Content-Length, where it says how long the body is.
        var declaredBytes: UInt64?
        /// `x-request-id`, where it is a number.
        var requestNumber: Int?
        var body: [UInt8] = []
    }

    let session: HTTP2Session
    private var held: [UInt8] = []
    private var block: HeaderBlock
    private var hasFailed = false
    /// Where frames go that nobody reads.
    private var spilt = [UInt8](repeating: 0, count: 4096)
    /// Written to by nobody, where there are no bytes.
    private var nothing: [UInt8] = [0]

    /// nil: no memory.
    init?(_ role: HTTP2Session.Role) {
        let limits = HTTP2Limits()
        guard let session = HTTP2Session(role, limits) else { return nil }
        self.session = session
        block = HeaderBlock(capacity: limits.headerCountMax)
    }

    /// Asks with a header block as HTTP/1 spells it, and throws away the bytes that do; the stream's number.
    func ask(_ head: [UInt8]) -> Int32 {
        let stream = session.sendRequest(head, head.count, isTLS: false, ended: true, tag: -1)
        while session.write(into: &spilt, capacity: spilt.count) > 0 {}
        return stream
    }

    /// The facts that a piece completes. No fact comes after a failure.
    func read(_ piece: [UInt8], now: UInt64) -> [Fact] {
        guard !hasFailed else { return [] }
        held += piece
        var facts: [Fact] = []
        var at = 0
        while !hasFailed {
            let count = held.count - at
            let step = held.withUnsafeMutableBufferPointer { bytes in
                nothing.withUnsafeMutableBufferPointer {
                    let start = bytes.baseAddress.map { $0 + at } ?? $0.baseAddress!
                    return session.receive(start, count: count, now: now, block: &block)
                }
            }
            let fact = fact(step, at: at)
            at += step.consumed
            if step.event == .needMore { break }
            if case .failed = step.event { hasFailed = true }
            facts.append(fact)
        }
        held.removeFirst(at)
        return facts
    }

    private func fact(_ step: HTTP2Step, at: Int) -> Fact {
        var fact = Fact(step: step)
        switch step.event {
        case .body:
            fact.body = Array(held[at + step.bodyStart..<at + step.bodyStart + step.bodyCount])
            // Passed on at once, as far as the other side's windows are concerned.
            if step.bodyCount > 0 { session.consumed(step.stream, step.bodyCount) }
        case .head, .interim, .trailers: takeBlock(&fact)
        case .violation where step.hasBlock: takeBlock(&fact)
        default: break
        }
        return fact
    }

    private func takeBlock(_ fact: inout Fact) {
        fact.status = block.status
        fact.method = block.method
        if block.facts.contains(.contentLength), block.facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid]) {
            fact.declaredBytes = block.contentLength
        }
        fact.requestNumber = block.first(.xRequestID).flatMap { Int(String(decoding: block.value($0), as: UTF8.self)) }
        if fact.step.event == .head, block.status == 0 {
            fact.head = Array(block.bytes(block.methodText)) + [0x20] + Array(block.bytes(block.target))
            fact.head += Array(" HTTP/1.1\r\n".utf8)
        }
        for i in 0..<block.count {
            let field = block.fields[i]
            fact.head += UnsafeBufferPointer(start: block.base + Int(field.start), count: Int(field.end - field.start))
        }
    }
}
