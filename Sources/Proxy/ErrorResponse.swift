import Wire

/// The proxy's own answer when it has none of an upstream's to pass on: small, and in the form that the client asked for.
enum ErrorResponse {
    enum Form { case text, json, html }

    /// The form that a request's Accept field asks for, found in the bytes of a header block.
    static func form(_ head: UnsafeBufferPointer<UInt8>) -> Form {
        // Cold: ordinary strings. Splitting on line feeds keeps a CR at each end, which is white space below.
        for line in head.split(separator: 0x0a) {
            let text = String(decoding: line, as: UTF8.self).lowercased()
            guard text.hasPrefix("accept:") else { continue }
            if text.contains("text/html") { return .html }
            if text.contains("json") { return .json }
        }
        return .text
    }

    /// The whole response.
    static func make(
        status: Int, detail: String, requestID: String, form: Form, closes: Bool, isHTTP10: Bool, omitsBody: Bool, date: String,
        fields: String = ""
    ) -> [UInt8] {
        let reason = reason(status)
        let body: String
        let type: String
        switch form {
        case .text:
            type = "text/plain; charset=utf-8"
            body = "\(status) \(reason)\n\(detail)\nrequest id: \(requestID)\n"
        case .json:
            type = "application/json"
            body =
                "{\"status\":\(status),\"error\":\"\(reason)\",\"detail\":\"\(escaped(detail, json: true))\",\"request_id\":\"\(requestID)\"}\n"
        case .html:
            type = "text/html; charset=utf-8"
            body =
                "<!doctype html><title>\(status) \(reason)</title><h1>\(status) \(reason)</h1><p>\(escaped(detail, json: false))</p>"
                + "<p>request id: <code>\(requestID)</code></p>\n"
        }
        var head =
            "HTTP/1.1 \(status) \(reason)\r\nDate: \(date)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n"
        head += "Cache-Control: no-store\r\nX-Request-Id: \(requestID)\r\n"
        head += fields
        head += closes ? "Connection: close\r\n" : isHTTP10 ? "Connection: keep-alive\r\n" : ""
        return Array((head + "\r\n" + (omitsBody ? "" : body)).utf8)
    }

    private static func escaped(_ text: String, json: Bool) -> String {
        text.map { character in
            switch character {
            case "\"": json ? "\\\"" : "&quot;"
            case "\\": json ? "\\\\" : "\\"
            case "<": json ? "<" : "&lt;"
            case "&": json ? "&" : "&amp;"
            default: String(character)
            }
        }.joined()
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Error"
        }
    }
}
