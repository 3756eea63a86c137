import Detector
import Facts
import HTTP2
import RecordedTraces
import Testing
import Traces
import Wire

/// What Node really sent on HTTP/2 connections, whole and cut at every byte, yields its incidents and no others.
@Suite struct TraceTests {
    @Test(arguments: [false, true])
    func everyTraceYieldsItsIncidents(isCut: Bool) throws {
        let files = try RecordedTraces.files(in: "http2")
        var replayed = 0
        for file in files {
            let trace = try Trace.parse(file.bytes)
            guard trace.pieces.contains(where: { $0.bytes != nil }) else { continue }
            let reported = try replay(trace, isCut: isCut)
            #expect(reported == trace.expectations.map(\.description), "\(file.name)")
            replayed += 1
        }
        #expect(replayed > 30)
    }

    /// The recorded bytes of both sides: those of the client say what we have asked.
    private func replay(_ trace: Trace, isCut: Bool) throws -> [String] {
        let requests = Endpoint(.server)
        let upstream = Endpoint(.client)
        for piece in trace.pieces {
            guard let bytes = piece.bytes else { continue }
            if piece.direction == .fromUpstream {
                if isCut { upstream.receiveCut(bytes) } else { upstream.receive(bytes) }
                continue
            }
            requests.receive(bytes)
            for fact in requests.reported() where fact.contains(" head ") {
                let words = fact.split(separator: " ")
                let id = upstream.request("\(words[2]) \(words[3]) HTTP/1.1\r\nHost: a\r\n\r\n", ended: words.last == "end")
                if upstream.failure == nil { #expect(words[0] == "\(id):") }
            }
        }
        return incidents(upstream.facts)
    }

    /// The incidents of one connection, in the words of a trace.
    private func incidents(_ facts: [Endpoint.Fact]) -> [String] {
        var lines: [String] = []
        var answered: Set<Int32> = []
        var ended: Set<Int32> = []
        var surplus: [Int32: (line: Int, total: Int)] = [:]
        for fact in facts {
            let exchange = (fact.step.stream + 1) / 2
            switch fact.step.event {
            case .head: answered.insert(fact.step.stream)
            case .reset where answered.contains(fact.step.stream) && !ended.contains(fact.step.stream):
                lines.append("truncated_response proven exchange=\(exchange)")
            case .violation(.lengthShort): lines.append("truncated_response proven exchange=\(exchange)")
            case .violation(let what):
                let total = (surplus[fact.step.stream]?.total ?? 0) + fact.step.surplusBytes
                let isBehindEnd = Self.behindEnd.contains(what)
                let seen = SurplusFacts(
                    total: UInt64(total), status: fact.status == 0 ? nil : fact.status, fields: fact.fields,
                    blockBytes: fact.step.hasBlock ? UInt64(fact.step.surplusBytes) : nil,
                    beginsLikeHeaderBlock: fact.step.hasBlock)
                let verdict = Judge.surplus(
                    isBehindEnd ? .afterEnd : .inChunkedBody, seen, servedBefore: true, closed: false)!
                var line = "\(verdict.kind.rawValue) \(verdict.certainty.rawValue) exchange=\(exchange)"
                line += " surplus_bytes=\(total)"
                if let known = surplus[fact.step.stream] {
                    lines[known.line] = line
                } else {
                    lines.append(line)
                }
                surplus[fact.step.stream] = (surplus[fact.step.stream]?.line ?? lines.count - 1, total)
            case .failed: lines.append("malformed_message proven")
            default: break
            }
            if fact.step.ended { ended.insert(fact.step.stream) }
        }
        return lines
    }

    private static let behindEnd: Set<HTTP2Violation> = [
        .headAfterEnd, .interimAfterEnd, .trailersAfterEnd, .dataAfterEnd, .lengthExceeded, .dataOnBodiless,
    ]
}
