import Report
import Wire

/// An answer of the endpoint.
struct AdminResponse {
    var status: Int
    var contentType = "application/json"
    var extraFields: [(String, String)] = []
    var body: [UInt8]
    /// The answer goes on with server-sent events, from this place in the ring.
    var stream: IncidentStream?

    init(status: Int = 200, contentType: String = "application/json", body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// An object with the text of what is wrong.
    static func problem(_ status: Int, _ text: String) -> AdminResponse {
        var json = JSONText()
        json.object { $0.string("error", text) }
        return AdminResponse(status: status, body: json.bytes + [0x0A])
    }

    /// The bytes on the wire.
    func bytes(isHead: Bool, isPersistent: Bool) -> [UInt8] {
        var head = "HTTP/1.1 \(status) \(ReasonPhrase.of(status))\r\n"
        head += "Date: \(WallTime.imfFixdate(nanoseconds: WallTime.nowNanoseconds()))\r\n"
        head += "Content-Type: \(contentType)\r\n"
        // A stream ends with its connection.
        if stream == nil { head += "Content-Length: \(body.count)\r\n" }
        head += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        for (name, value) in extraFields { head += "\(name): \(value)\r\n" }
        head += "Connection: \(isPersistent ? "keep-alive" : "close")\r\n\r\n"
        return Array(head.utf8) + (isHead ? [] : body)
    }
}
