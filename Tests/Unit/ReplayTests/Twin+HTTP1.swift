import Traces

/// The story as it goes over HTTP/1.
extension Twin {
    var http1: Trace {
        var trace = Trace()
        func put(_ direction: Piece.Direction, _ milliseconds: UInt64, _ content: Piece.Content) {
            trace.pieces.append(Piece(direction, microseconds: milliseconds * 1000, content))
        }
        if isSecond {
            put(.toUpstream, 10, .text(Array("GET /first HTTP/1.1\r\nHost: a\r\n\r\n".utf8)))
            put(.fromUpstream, 12, .text(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8)))
        }
        put(.toUpstream, startsAt, .text(Array(request.utf8)))
        var isRestSent = false
        var writer = HTTP1Writer(isHead: isHead)
        for read in reads {
            if case .post(let after) = asked, after <= read.milliseconds, !isRestSent {
                put(.toUpstream, startsAt + after, .text(Array("cd".utf8)))
                isRestSent = true
            }
            let bytes = read.said.flatMap { writer.bytes($0) }
            if !bytes.isEmpty { put(.fromUpstream, startsAt + read.milliseconds, .text(bytes)) }
            if read.said.contains(where: \.endsConnection) { put(.fromUpstream, startsAt + read.milliseconds, .fin) }
        }
        if case .post(let after) = asked, !isRestSent { put(.toUpstream, startsAt + after, .text(Array("cd".utf8))) }
        return trace
    }

    private var request: String {
        switch asked {
        case .get: "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        case .head: "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
        case .post: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"
        }
    }
}

/// Writes what is said behind one another, framed as the last header block says.
private struct HTTP1Writer {
    let isHead: Bool
    private var isChunked = false

    init(isHead: Bool) { self.isHead = isHead }

    mutating func bytes(_ said: Twin.Said) -> [UInt8] { Array(text(said).utf8) }

    private mutating func text(_ said: Twin.Said) -> String {
        switch said {
        case .interim(let status, let fields): return block(status, fields)
        case .head(let status, let length, let fields, let ends):
            isChunked = false
            if let length { return block(status, fields + [Twin.Field("Content-Length", "\(length)")]) }
            if isHead || status == 204 || status == 304 { return block(status, fields) }
            isChunked = !ends
            return block(
                status, fields + [ends ? Twin.Field("Content-Length", "0") : Twin.Field("Transfer-Encoding", "chunked")])
        case .body(let text, let ends):
            guard isChunked else { return text }
            isChunked = !ends
            return "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" + (ends ? "0\r\n\r\n" : "")
        case .trailers(let fields):
            isChunked = false
            return "0\r\n" + lines(fields) + "\r\n"
        case .cut, .hangup: return ""
        }
    }

    private func block(_ status: Int, _ fields: [Twin.Field]) -> String { "HTTP/1.1 \(status) X\r\n" + lines(fields) + "\r\n" }

    private func lines(_ fields: [Twin.Field]) -> String { fields.map { "\($0.name): \($0.value)\r\n" }.joined() }
}

extension Twin.Said {
    fileprivate var endsConnection: Bool {
        switch self {
        case .cut, .hangup: true
        default: false
        }
    }
}
