import Traces

/// The story as it goes over HTTP/2.
extension Twin {
    var http2: Trace {
        var trace = Trace()
        func put(_ direction: Piece.Direction, _ milliseconds: UInt64, _ content: Piece.Content) {
            trace.pieces.append(Piece(direction, microseconds: milliseconds * 1000, content))
        }
        put(.toUpstream, 0, .raw(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + HTTP2Writer.settings))
        put(.fromUpstream, 1, .raw(HTTP2Writer.settings + HTTP2Writer.settingsAcknowledged))
        if isSecond {
            put(.toUpstream, 10, .raw(HTTP2Writer(stream: 1).request("GET", "/first", ends: true)))
            let first = HTTP2Writer(stream: 1)
            let answer = first.bytes(.head(200, length: 2)) + first.bytes(.body("ok", ends: true))
            put(.fromUpstream, 12, .raw(answer))
        }
        let writer = HTTP2Writer(stream: isSecond ? 3 : 1)
        put(.toUpstream, startsAt, .raw(request(writer)))
        var isRestSent = false
        for read in reads {
            if case .post(let after) = asked, after <= read.milliseconds, !isRestSent {
                put(.toUpstream, startsAt + after, .raw(writer.bytes(.body("cd", ends: true))))
                isRestSent = true
            }
            let bytes = read.said.flatMap { writer.bytes($0) }
            if !bytes.isEmpty { put(.fromUpstream, startsAt + read.milliseconds, .raw(bytes)) }
            if read.said.contains(where: { if case .hangup = $0 { true } else { false } }) {
                put(.fromUpstream, startsAt + read.milliseconds, .fin)
            }
        }
        if case .post(let after) = asked, !isRestSent {
            put(.toUpstream, startsAt + after, .raw(writer.bytes(.body("cd", ends: true))))
        }
        return trace
    }

    private func request(_ writer: HTTP2Writer) -> [UInt8] {
        switch asked {
        case .get: writer.request("GET", "/", ends: true)
        case .head: writer.request("HEAD", "/", ends: true)
        case .post: writer.request("POST", "/", ends: false, length: 4) + writer.bytes(.body("ab"))
        }
    }
}

/// Frames of one stream.
private struct HTTP2Writer {
    let stream: UInt8

    static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    static let settingsAcknowledged: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]

    func request(_ method: String, _ path: String, ends: Bool, length: Int? = nil) -> [UInt8] {
        var fields = [
            Twin.Field(":method", method), Twin.Field(":scheme", "http"), Twin.Field(":path", path),
            Twin.Field(":authority", "a"),
        ]
        if let length { fields.append(Twin.Field("content-length", "\(length)")) }
        return headers(fields, ends: ends)
    }

    func bytes(_ said: Twin.Said) -> [UInt8] {
        switch said {
        case .interim(let status, let fields): return headers([Twin.Field(":status", "\(status)")] + fields, ends: false)
        case .head(let status, let length, let fields, let ends):
            let framing = length.map { [Twin.Field("content-length", "\($0)")] } ?? []
            return headers([Twin.Field(":status", "\(status)")] + fields + framing, ends: ends)
        case .body(let text, let ends): return frame(0, flags: ends ? 1 : 0, Array(text.utf8))
        case .trailers(let fields): return headers(fields, ends: true)
        // RST_STREAM with INTERNAL_ERROR.
        case .cut: return frame(3, flags: 0, [0, 0, 0, 2])
        case .hangup: return []
        }
    }

    private func headers(_ fields: [Twin.Field], ends: Bool) -> [UInt8] {
        // Literals that go into no table (RFC 7541 section 6.2.2).
        frame(1, flags: ends ? 5 : 4, fields.flatMap { [0] + string($0.name) + string($0.value) })
    }

    private func string(_ text: String) -> [UInt8] {
        precondition(text.utf8.count < 127)
        return [UInt8(text.utf8.count)] + Array(text.utf8)
    }

    private func frame(_ type: UInt8, flags: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
    }
}
