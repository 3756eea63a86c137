/// The key that a WebSocket's handshake has over HTTP/1 (RFC 6455 section 4.1), and over HTTP/2 has not (RFC 8441 section 5).
enum WebSocketKey {
    /// Writes the field with a new key: sixteen random bytes in base64.
    static func put(_ random: inout RandomNumbers, _ out: inout ByteWriter) {
        let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        out.put("Sec-WebSocket-Key: ")
        var bits = random.next()
        for i in 0..<21 {
            if i == 10 { bits = random.next() }
            out.put(alphabet.utf8Start[Int(bits & 63)])
            bits >>= 6
        }
        // The last digit of sixteen bytes holds two bits.
        out.put(alphabet.utf8Start[Int(bits & 3) << 4])
        out.put("==\r\n")
    }

    /// The field with which an upstream proves that it has understood.
    static let acceptName: StaticString = "sec-websocket-accept"
}
