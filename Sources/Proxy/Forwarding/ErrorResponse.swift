import Wire

/// The proxy's own answer when it has none of an upstream's to pass on: small, and in the form that the client asked for.
struct ErrorResponse {
    enum Form: Sendable { case text, json, html }

    var status: Int
    var detail: String
    var requestID: String
    var form: Form
    var closes: Bool
    var isHTTP10: Bool
    var omitsBody: Bool
    var date: String
    /// Further field lines, each with its CRLF.
    var fields = ""
    /// What the configuration gives instead of the body.
    var page: ErrorPages.Page?
    /// What a route does to its fields: a redirect is an answer as others are.
    var changes: FieldChanges?

    /// The whole response.
    var bytes: [UInt8] {
        let body = page.map(filled) ?? Array(text.utf8)
        var head = "HTTP/1.1 \(status) \(reason)\r\n"
        if !isReplaced("date") { head += "Date: \(date)\r\n" }
        if !isReplaced("content-type") { head += "Content-Type: \(page?.type ?? type)\r\n" }
        head += "Content-Length: \(body.count)\r\n"
        if !isReplaced("cache-control") { head += "Cache-Control: no-store\r\n" }
        head += "X-Request-Id: \(requestID)\r\n" + fields
        if let changes { head += String(decoding: changes.lines, as: UTF8.self) }
        head += closes ? "Connection: close\r\n" : isHTTP10 ? "Connection: keep-alive\r\n" : ""
        return Array((head + "\r\n").utf8) + (omitsBody ? [] : body)
    }

    private func isReplaced(_ name: StaticString) -> Bool { changes?.names(name) ?? false }

    /// Bytes of a response's header block, its empty line included.
    static func headCount(_ response: [UInt8]) -> Int {
        var count = 4
        while count < response.count, !(response[count - 1] == 0x0a && response[count - 3] == 0x0a) { count += 1 }
        return count
    }

    private var type: String {
        switch form {
        case .text: "text/plain; charset=utf-8"
        case .json: "application/json"
        case .html: "text/html; charset=utf-8"
        }
    }

    private var text: String {
        let detail = Self.escaped(detail, form)
        return switch form {
        case .text: "\(status) \(reason)\n\(detail)\nrequest id: \(requestID)\n"
        case .json:
            "{\"status\":\(status),\"error\":\"\(reason)\",\"detail\":\"\(detail)\",\"request_id\":\"\(Self.escaped(requestID, form))\"}\n"
        case .html:
            "<!doctype html><title>\(status) \(reason)</title><h1>\(status) \(reason)</h1><p>\(detail)</p>"
                + "<p>request id: <code>\(Self.escaped(requestID, form))</code></p>\n"
        }
    }

    private func filled(_ page: ErrorPages.Page) -> [UInt8] {
        var body: [UInt8] = []
        for piece in page.pieces {
            body += piece.text
            switch piece.gap {
            case .status: body += "\(status)".utf8
            case .reason: body += reason.utf8
            case .detail: body += Self.escaped(detail, page.escaping).utf8
            case .requestID: body += Self.escaped(requestID, page.escaping).utf8
            case nil: break
            }
        }
        return body
    }

    /// Scalar by scalar: a quote is one also where a mark joins it to a longer character.
    private static func escaped(_ text: String, _ form: Form) -> String {
        guard form != .text else { return text }
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += (form == .json ? "\\\"" : "&quot;").unicodeScalars
            case "\\" where form == .json: escaped += "\\\\".unicodeScalars
            case "<" where form == .html: escaped += "&lt;".unicodeScalars
            case "&" where form == .html: escaped += "&amp;".unicodeScalars
            case "\u{0}"..."\u{1f}" where form == .json:
                escaped += "\\u00\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))".unicodeScalars
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    // MARK: The client's wish

    /// The form that a request's Accept fields like best (RFC 9110 section 12.5.1), found in the bytes of a header block.
    static func form(_ head: UnsafeBufferPointer<UInt8>) -> Form {
        // Cold: ordinary strings. Splitting on line feeds keeps a CR at each end, which is white space below.
        var best = Form.text
        var bestQuality = 0
        for line in head.split(separator: 0x0a) {
            let text = String(decoding: line.prefix(4096), as: UTF8.self).lowercased()
            guard text.hasPrefix("accept:") else { continue }
            for element in text.dropFirst("accept:".count).split(separator: ",") {
                let parts = element.split(separator: ";").map { $0.filter { $0 > " " } }
                guard let form = parts.first.flatMap(form(of:)), quality(parts.dropFirst()) > bestQuality else { continue }
                best = form
                bestQuality = quality(parts.dropFirst())
            }
        }
        return best
    }

    private static func form(of type: String) -> Form? {
        switch type {
        case "text/html", "application/xhtml+xml": .html
        case "text/plain", "text/*", "*/*": .text
        case _ where type.hasSuffix("/json") || type.hasSuffix("+json"): .json
        default: nil
        }
    }

    /// In thousandths.
    private static func quality(_ parameters: ArraySlice<String>) -> Int {
        guard let text = parameters.first(where: { $0.hasPrefix("q=") })?.dropFirst(2) else { return 1000 }
        guard let value = Double(text), value >= 0, value <= 1 else { return 0 }
        return Int(value * 1000)
    }

    /// Some name must stand in a text.
    private var reason: String {
        let name = ReasonPhrase.of(status)
        return name.utf8CodeUnitCount == 0 ? "Error" : "\(name)"
    }
}
