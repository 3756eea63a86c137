import HTTP1
import HTTP2
import Replay
import Traces
import Wire

/// A chunked body, whole and byte by byte.
func bodies(_ bytes: [UInt8]) {
    check(body([bytes]) == body(bytes.map { [$0] }), "a body that depends on the cut")
}

private struct Body: Equatable {
    var bytes: [UInt8] = []
    var consumed = 0
    var interims = 0
    var outcome = BodyOutcome.more
}

private func body(_ pieces: [[UInt8]]) -> Body {
    var decoder = BodyDecoder(.chunked)
    var block = HeaderBlock(capacity: 16)
    var held: [UInt8] = []
    var result = Body()
    for piece in pieces {
        held += piece
        while result.outcome == .more || result.outcome == .interim {
            let (step, data) = exactly(held) { memory in
                let step = decoder.decode(memory, count: held.count, limits: HeadLimits(headerBytesMax: 1024), block: &block)
                return (step, Array(UnsafeBufferPointer(start: memory + step.bodyStart, count: step.bodyCount)))
            }
            result.bytes += data
            result.consumed += step.consumed
            result.outcome = step.outcome
            held.removeFirst(step.consumed)
            if step.outcome == .interim { result.interims += 1 } else { break }
        }
    }
    return result
}

/// Answers to a few requests, whole and byte by byte. The first byte says what was asked.
func answers(_ bytes: [UInt8]) {
    guard let first = bytes.first else { return }
    let rest = Array(bytes.dropFirst())
    check(log([rest], asked: first) == log(rest.map { [$0] }, asked: first), "answers that depend on the cut")
}

private func log(_ pieces: [[UInt8]], asked: UInt8) -> [String] {
    var decoder = ResponseDecoder()
    var block = HeaderBlock(capacity: 16)
    var held: [UInt8] = []
    var log: [String] = []
    var body = 0
    var requests = Int(asked & 3)
    func send() {
        guard requests > 0 else { return }
        requests -= 1
        decoder.requestSent(method: asked & 4 == 0 ? .get : .head, asksUpgrade: asked & 8 != 0)
    }
    send()
    for piece in pieces {
        held += piece
        while !held.isEmpty {
            let step = exactly(held) {
                decoder.next($0, count: held.count, limits: HeadLimits(headerBytesMax: 1024), block: &block)
            }
            check(step.event != .needMore || step.consumed == 0, "bytes consumed where more is needed")
            if step.event == .needMore { break }
            if step.event == .surplus { return log + ["body \(body)", "surplus"] }
            if case .malformed(let fault) = step.event { return log + ["body \(body + step.bodyCount)", "\(fault)"] }
            held.removeFirst(step.consumed)
            body += step.bodyCount
            if step.event != .body { log += ["body \(body)", "\(step.event) \(block.status)"] }
            if step.event != .body { body = 0 }
            if step.ended {
                log += ["body \(body)", "end"]
                body = 0
                send()
            }
        }
    }
    return log + ["body \(body)"]
}

/// A connection of HTTP/2: the first byte says which side we are, and how the rest is cut.
func http2(_ bytes: [UInt8]) {
    guard let first = bytes.first, let session = HTTP2Session(first & 1 == 0 ? .server : .client, HTTP2Limits()) else { return }
    var block = HeaderBlock(capacity: 128)
    var output = [UInt8](repeating: 0, count: 20_000)
    if first & 1 == 1 {
        let head = Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        for tag in 0..<3 as Range<Int32> { _ = session.sendRequest(head, head.count, isTLS: false, ended: tag != 1, tag: tag) }
        // What is not written cannot be answered.
        _ = session.write(into: &output, capacity: output.count)
    }
    var held: [UInt8] = []
    let pieces = first & 2 == 0 ? [Array(bytes.dropFirst())] : bytes.dropFirst().map { [$0] }
    for piece in pieces {
        held += piece
        while true {
            let step = exactly(held) { session.receive($0, count: held.count, now: 1_000_000, block: &block) }
            check(step.consumed <= held.count, "more consumed than there is")
            held.removeFirst(step.consumed)
            if step.event == .body, step.bodyCount > 0 { session.consumed(step.stream, step.bodyCount) }
            if case .needMore = step.event { break }
            // Over: it says so for ever.
            if case .failed = step.event { return }
        }
        _ = session.write(into: &output, capacity: output.count)
    }
    check(session.openStreams <= 128, "more streams than the limit")
    check(held.count <= 16_393, "more than one frame held back")
}

/// An upstream that answers two requests with the bytes, on the real worker: no client may get what it must not.
func worker(_ bytes: [UInt8]) {
    guard bytes.count > 2 else { return }
    var trace = Trace()
    let request = Array((bytes[0] & 1 == 0 ? "GET" : "HEAD").utf8) + Array(" / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
    let cut = 2 + Int(bytes[1]) * (bytes.count - 2) / 256
    trace.pieces = [
        Piece(.toUpstream, microseconds: 0, .text(request)),
        Piece(.fromUpstream, microseconds: 1000, .text(Array(bytes[2..<cut]))),
        Piece(.toUpstream, microseconds: 9000, .text(request)),
        Piece(.fromUpstream, microseconds: 9500, .text(Array(bytes[cut...]))),
        Piece(.fromUpstream, microseconds: 20_000, bytes[0] & 2 == 0 ? .fin : .reset),
    ]
    play(trace)
}

/// An HTTP/2 upstream that answers two requests with the bytes, on the real worker: the same promise.
func streams(_ bytes: [UInt8]) {
    guard bytes.count > 2 else { return }
    var trace = Trace()
    // :method GET or POST, :scheme http, :path /, :authority a.
    let request: (UInt8) -> [UInt8] = { [0, 0, 6, 1, 5, 0, 0, 0, $0, bytes[0] & 1 == 0 ? 0x82 : 0x83, 0x86, 0x84, 1, 1, 0x61] }
    let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]
    let cut = 2 + Int(bytes[1]) * (bytes.count - 2) / 256
    trace.pieces = [
        Piece(.toUpstream, microseconds: 0, .raw(preface)),
        Piece(.toUpstream, microseconds: 500, .raw(request(1))),
        Piece(.fromUpstream, microseconds: 1000, .raw(Array(bytes[2..<cut]))),
        Piece(.toUpstream, microseconds: 9000, .raw(request(3))),
        Piece(.fromUpstream, microseconds: 9500, .raw(Array(bytes[cut...]))),
        Piece(.fromUpstream, microseconds: 20_000, bytes[0] & 2 == 0 ? .fin : .reset),
    ]
    play(trace)
}

private func play(_ trace: Trace) {
    guard let whole = try? Replay.run(trace), let single = try? Replay.run(trace, cutting: .everyByte) else { return }
    check(whole.faults.isEmpty, whole.faults.joined(separator: "; "))
    check(single.faults.isEmpty, single.faults.joined(separator: "; "))
}
