import Admin
import Configuration
import HTTP1
import JSON
import Nameserver
import ProbeReports
import Proxy
import Records
import Tail
import Traces
import Wire

/// Something that is given any bytes, and the promises that it keeps with them.
struct Target: Sendable {
    var name: String
    var run: @Sendable ([UInt8]) -> Void
}

let targets = [
    Target(name: "heads", run: heads),
    Target(name: "bodies", run: bodies),
    Target(name: "answers", run: answers),
    Target(name: "surplus", run: surplus),
    Target(name: "proxy", run: proxyHeaders),
    Target(name: "admin", run: adminRequests),
    Target(name: "http2", run: http2),
    Target(name: "worker", run: worker),
    Target(name: "streams", run: streams),
    Target(name: "configuration") { bytes in _ = try? Settings.decode(bytes, file: "fuzz.yaml") },
    Target(name: "traces") { bytes in
        guard let trace = try? Trace.parse(bytes) else { return }
        let again = try? Trace.parse(trace.render())
        // Several spellings read as one: what was read is what is written.
        check(again == trace, "a trace that changes when it is written and read")
    },
    Target(name: "json") { bytes in
        // A record is more than JSON, never less.
        let isJSON = (try? JSON.parse(bytes)) != nil
        check(Record(line: bytes) == nil || isJSON, "a record that is no JSON")
    },
    Target(name: "reports") { bytes in
        var whole = ReportLines()
        var cut = ReportLines()
        let lines = whole.receive(bytes[...])
        let half = bytes.count / 2
        check(lines == cut.receive(bytes[..<half]) + cut.receive(bytes[half...]), "lines that depend on where they are cut")
        for line in lines { _ = ReportParser.parse(line) }
        _ = ReportParser.parse(bytes)
    },
    Target(name: "names") { bytes in
        if case .broken(let promise) = StrangeAnswers.resolve(bytes) { check(false, promise) }
    },
    Target(name: "expressions") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        do throws(ExpressionFault) {
            _ = try Expression(text).admits(record)
        } catch {
            check(error.offset >= 0 && error.offset <= text.count, "a fault outside of the expression")
        }
    },
]

private let record = Record(
    line: Array(#"{"time":"2026-11-22T09:15:03Z","kind":"second_response","evidence":{"delay_ms":1.5}}"#.utf8))!

/// A promise: broken, it ends the run, and the bytes are kept.
func check(_ holds: Bool, _ promise: String) {
    if !holds { fatalError(promise) }
}

/// Header blocks: once malformed for ever malformed, and complete at the very same byte wherever the bytes are cut.
func heads(_ bytes: [UInt8]) {
    for parse in [HeadParser.request, HeadParser.response, HeadParser.trailers] {
        let whole = outcome(parse, bytes)
        let part = outcome(parse, Array(bytes.prefix(bytes.count / 2)))
        switch part.0 {
        case .incomplete: check(whole.0 != .complete || whole.1 > bytes.count / 2, "complete, but not with fewer bytes")
        case .complete: check(whole == part, "more bytes change a whole header block")
        case .malformed: check(whole.0 == part.0, "more bytes mend a malformed header block")
        }
    }
}

typealias Parse = (UnsafePointer<UInt8>, Int, HeadLimits, inout HeaderBlock) -> HeadOutcome

private func outcome(_ parse: Parse, _ bytes: [UInt8]) -> (HeadOutcome, Int) {
    var block = HeaderBlock(capacity: 64)
    let outcome = exactly(bytes) { parse(UnsafePointer($0), bytes.count, HeadLimits(headerBytesMax: 8192), &block) }
    guard outcome == .complete else { return (outcome, 0) }
    check(block.byteCount <= bytes.count, "a header block longer than its bytes")
    if case .success(let body) = RequestFraming.decide(block) { check(body.framing != .untilClose, "a request without an end") }
    return (outcome, block.byteCount)
}

/// PROXY headers: more bytes change neither one that is complete nor one that is malformed, and none is without an end.
func proxyHeaders(_ bytes: [UInt8]) {
    let whole = length(bytes)
    let part = length(Array(bytes.prefix(bytes.count / 2)))
    if part != nil { check(part == whole, "more bytes change a PROXY header") }
    check(whole != nil || bytes.count < ProxyHeader.bytesMax, "a PROXY header without an end")
}

/// Of a complete header, 0 of a malformed one, nil when there are not enough bytes.
private func length(_ bytes: [UInt8]) -> Int? {
    exactly(bytes) { memory -> Int? in
        switch ProxyHeader.read(UnsafeBufferPointer(start: memory, count: bytes.count)) {
        case .incomplete: return nil
        case .malformed: return 0
        case .complete(let byteCount, _):
            check((1...bytes.count).contains(byteCount), "a PROXY header longer than its bytes")
            return byteCount
        }
    }
}

/// Requests to the admin endpoint: what is complete, or malformed, stays so with more bytes; with more names not fewer requests are
/// admitted.
func adminRequests(_ bytes: [UInt8]) {
    let hosts = AdmittedHosts(address: "127.0.0.1:9900")
    switch AdminRequest.parse(bytes) {
    case .incomplete: break
    case .malformed:
        guard case .malformed = AdminRequest.parse(bytes + [0x0A]) else {
            return check(false, "more bytes mend a malformed request")
        }
    case .request(let request, let byteCount):
        check((1...bytes.count).contains(byteCount), "a request longer than its bytes")
        guard case .request(_, byteCount) = AdminRequest.parse(Array(bytes[..<byteCount])) else {
            return check(false, "a request that needs the bytes after it")
        }
        let isAdmitted = hosts.admit(request, names: [])
        check(isAdmitted == hosts.admit(request, names: ["*.example"]) || !isAdmitted, "a name more admits fewer")
    }
}

/// Calls with a copy that lies alone in its allocation, so that the sanitizer sees the first byte read past its end.
func exactly<T>(_ bytes: [UInt8], _ body: (UnsafeMutablePointer<UInt8>) -> T) -> T {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
    defer { memory.deallocate() }
    memory.initialize(from: bytes, count: bytes.count)
    return body(memory)
}

/// What no answer accounts for: facts about any bytes.
func surplus(_ bytes: [UInt8]) {
    let facts = SurplusReader.read(bytes, total: UInt64(bytes.count))
    check(facts.blockBytes ?? 0 <= UInt64(bytes.count), "a header block longer than its bytes")
    var finder = EmbeddedStatusLine()
    let whole = exactly(bytes) { finder.find($0, count: bytes.count) }
    finder = EmbeddedStatusLine()
    let half = bytes.count / 2
    var found = exactly(Array(bytes.prefix(half))) { finder.find($0, count: half) }
    if found == nil {
        let rest = Array(bytes.dropFirst(half))
        found = exactly(rest) { finder.find($0, count: rest.count) }.map { half + $0 }
    }
    check(found == whole, "a status line that depends on the cut")
}
