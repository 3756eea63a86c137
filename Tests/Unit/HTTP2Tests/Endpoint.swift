import CNghttp2
import HTTP2
import Wire

/// One side of a connection in memory, and a log of what its session has told.
final class Endpoint {
    let session: HTTP2Session
    var now: UInt64 = 1_000_000_000
    /// Says at once that body bytes have been passed on.
    var consumes = true
    private(set) var log: [String] = []
    private(set) var bodies: [Int32: [UInt8]] = [:]
    private(set) var facts: [Fact] = []
    /// A step, and what of its header block is worth keeping.
    struct Fact {
        var step: HTTP2Step
        var status = 0
        var fields: [String] = []
    }

    var violations: [Fact] { facts.filter { if case .violation = $0.step.event { true } else { false } } }
    private(set) var lastHead: [String] = []
    private(set) var failure: HTTP2Failure?
    private var rest: [UInt8] = []
    private var block: HeaderBlock

    /// What was written before something came, and nobody has asked for yet.
    private var written: [UInt8] = []
    private var hasAsked = false

    /// Bytes that the session has left to be given again.
    var left: Int { rest.count }

    init(_ role: HTTP2Session.Role, _ limits: HTTP2Limits = HTTP2Limits()) {
        session = HTTP2Session(role, limits)!
        block = HeaderBlock(capacity: limits.headerCountMax)
    }

    /// Gives the bytes to the session, and again what it has left. All requests have been written before it.
    func receive(_ bytes: [UInt8]) {
        if hasAsked { written += write(room: 65536) }
        hasAsked = false
        rest += bytes
        var at = 0
        while failure == nil {
            let count = rest.count - at
            let step = rest.withUnsafeMutableBufferPointer {
                session.receive($0.baseAddress.map { $0 + at } ?? nowhere, count: count, now: now, block: &block)
            }
            precondition(step.consumed >= 0 && step.consumed <= count, "consumed \(step.consumed) of \(count)")
            note(step, at)
            at += step.consumed
            if step.event == .needMore { break }
        }
        rest.removeFirst(failure == nil ? at : rest.count)
    }

    /// Byte by byte.
    func receiveCut(_ bytes: [UInt8]) { for byte in bytes { receive([byte]) } }

    /// What waits to be written.
    func output(room: Int = 65536) -> [UInt8] {
        defer { written = [] }
        return written + write(room: room)
    }

    private func write(room: Int) -> [UInt8] {
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: room)
        while true {
            let n = part.withUnsafeMutableBufferPointer { session.write(into: $0.baseAddress!, capacity: room) }
            if n == 0 { return all }
            all += part[..<n]
        }
    }

    /// Takes the log.
    func reported() -> [String] {
        defer { log = [] }
        return log
    }

    private let nowhere = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)

    private func note(_ step: HTTP2Step, _ at: Int) {
        var line: String
        if step.event != .needMore, step.event != .pause, step.event != .surplus {
            facts.append(step.hasBlock ? Fact(step: step, status: block.status, fields: fields()) : Fact(step: step))
        }
        switch step.event {
        case .needMore, .pause, .surplus: return
        case .head:
            lastHead = fields()
            line = block.status != 0 ? "head \(block.status)" : "head \(text(block.methodText)) \(text(block.target))"
        case .interim: line = "interim \(block.status)"
        case .body:
            line = "body \(step.bodyCount)"
            precondition(at + step.bodyStart + step.bodyCount <= rest.count)
            let start = at + step.bodyStart
            bodies[step.stream, default: []] += rest[start..<start + step.bodyCount]
            if consumes, step.bodyCount > 0 { session.consumed(step.stream, step.bodyCount) }
            // Pieces of one body are one, however they were cut.
            if !step.ended, let last = log.last, last.hasPrefix("\(step.stream): body ") {
                log[log.count - 1] = "\(step.stream): body \(bodies[step.stream]!.count)"
                return
            }
            if step.ended, let last = log.last, last.hasPrefix("\(step.stream): body ") { log.removeLast() }
            line = "body \(bodies[step.stream]!.count)"
        case .trailers:
            line = "trailers"
            lastHead = fields()
        case .reset(let code): line = "reset \(code)" + (step.cause.map { " for \($0)" } ?? "")
        case .goAway: line = "goAway"
        case .refused(let why): line = "refused \(why)"
        case .violation(let what):
            line = "violation \(what) \(step.surplusBytes)"
            if step.resetsStream { line += " resets" }
        case .failed(let why):
            line = "failed \(why)"
            failure = why
        }
        log.append("\(step.stream): \(line)\(step.ended ? " end" : "")")
    }

    private func fields() -> [String] {
        (0..<block.count).map { i in
            let field = block.fields[i]
            let whole = UnsafeBufferPointer(start: block.base + Int(field.start), count: Int(field.end - field.start))
            let name = String(decoding: block.nameBytes(field), as: UTF8.self)
            let value = String(decoding: block.value(field), as: UTF8.self)
            precondition("\(name): \(value)\r\n" == String(decoding: whole, as: UTF8.self))
            return "\(name): \(value)"
        }
    }

    private func text(_ range: ByteRange) -> String { String(decoding: block.bytes(range), as: UTF8.self) }
}

/// What a worker does with a session, for tests in words.
extension Endpoint {
    @discardableResult
    func head(_ stream: Int32, _ text: String, ended: Bool = false) -> Bool {
        let bytes = Array(text.utf8)
        return session.sendHead(stream, bytes, bytes.count, ended: ended)
    }

    @discardableResult
    func request(_ text: String, ended: Bool = true, tag: Int32 = 0) -> Int32 {
        let bytes = Array(text.utf8)
        hasAsked = true
        return session.sendRequest(bytes, bytes.count, isTLS: false, ended: ended, tag: tag)
    }

    @discardableResult
    func body(_ stream: Int32, _ bytes: [UInt8], ended: Bool = false) -> Bool {
        var copy = bytes
        return copy.withUnsafeMutableBytes { all in
            // Two runs, the way head and body of a turn come.
            let half = all.count / 2
            var runs = [
                iovec(iov_base: all.baseAddress, iov_len: half),
                iovec(iov_base: all.baseAddress.map { $0 + half }, iov_len: all.count - half),
            ]
            return runs.withUnsafeMutableBufferPointer { session.sendBody(stream, $0.baseAddress!, $0.count, ended: ended) }
        }
    }

    @discardableResult
    func trailers(_ stream: Int32, _ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return session.sendTrailers(stream, bytes, bytes.count)
    }
}

/// Two sessions that are connected, until neither has anything to say.
func settle(_ a: Endpoint, _ b: Endpoint, room: Int = 65536) {
    while true {
        let (x, y) = (a.output(room: room), b.output(room: room))
        if x.isEmpty, y.isEmpty { return }
        b.receive(x)
        a.receive(y)
    }
}
