import Detector
import Report
import Traces

/// The trace that a tape makes: what `sendonce replay` plays.
extension Tape {
    /// Nil when nothing was kept that could be played.
    func trace(by program: String) -> Trace? {
        let pieces = pieces
        guard let first = pieces.first, let incident = incidents.first else { return nil }
        var trace = Trace()
        trace.comments = [
            Self.line(incident.message), "incident: \(incident.id) \(incident.kind.rawValue)",
            "captured: \(program), \(WallTime.rfc3339(nanoseconds: incident.timeNanoseconds))",
            "upstream: \(Self.line(incident.upstream.map { "\($0.name) \($0.address)" } ?? "none")), connection \(connection)",
            "masked: values of secret fields" + (policy.keepsQuery ? "" : ", of queries")
                + (policy.keepsBodies ? "" : ", bodies"),
        ]
        if forgotten > 0 { trace.comments.append("before: \(forgotten) exchanges that are not told") }
        var strays = Mask.stray(pieces.flatMap(\.parts).flatMap(\.strayBytes), keepsBodies: policy.keepsBodies)[...]
        for piece in pieces {
            let microseconds = (piece.nanoseconds - min(piece.nanoseconds, first.nanoseconds)) / 1000
            let direction: Piece.Direction = piece.isFromUpstream ? .fromUpstream : .toUpstream
            var bytes: [UInt8] = []
            for part in piece.parts {
                switch part {
                case .bytes(let kept): bytes += kept
                case .body(let count): bytes += [UInt8](repeating: UInt8(ascii: "x"), count: count)
                case .stray(let kept):
                    bytes += strays.prefix(kept.count)
                    strays = strays.dropFirst(kept.count)
                case .fin: trace.pieces.append(Piece(direction, microseconds: microseconds, .fin))
                case .reset: trace.pieces.append(Piece(direction, microseconds: microseconds, .reset))
                }
            }
            if !bytes.isEmpty { trace.pieces.append(Piece(direction, microseconds: microseconds, .text(bytes))) }
        }
        trace.expectations = incidents.compactMap(expectation)
        return trace
    }

    /// What the replay is to find. A misdelivery that the kernel's acknowledgements or the probe proved cannot be found by bytes alone.
    private func expectation(_ incident: Incident) -> Expectation? {
        guard incident.kind != .misdeliveredResponse, incident.origin == .upstream else { return nil }
        var facts: [Expectation.Fact] = []
        if incident.request != nil, let exchange = incident.upstream?.exchange {
            guard exchange > forgotten else { return nil }
            facts.append(.init(name: "exchange", value: "\(exchange - forgotten)"))
        }
        if let surplus = incident.evidence.surplusBytes { facts.append(.init(name: "surplus_bytes", value: "\(surplus)")) }
        if let fields = incident.evidence.fields, !fields.isEmpty {
            facts.append(.init(name: "fields", value: fields.joined(separator: ",")))
        }
        if incident.severity != incident.kind.severity {
            facts.append(.init(name: "severity", value: incident.severity.rawValue))
        }
        return Expectation(kind: incident.kind.rawValue, certainty: incident.certainty.rawValue, facts: facts)
    }

    /// A comment is one line of ASCII, whatever a peer has put into it.
    private static func line(_ text: String) -> String {
        String(decoding: text.utf8.prefix(512).map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}

extension TapePart {
    fileprivate var strayBytes: [UInt8] {
        if case .stray(let bytes) = self { bytes } else { [] }
    }
}
