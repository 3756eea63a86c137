import TLS
import Wire

/// The key that a WebSocket's handshake has over HTTP/1 (RFC 6455 section 4.1), and over HTTP/2 has not (RFC 8441 section 5).
enum WebSocketKey {
    private static let name: StaticString = "sec-websocket-key"
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// Writes the field with a new key: sixteen random bytes in base64.
    static func put(_ random: inout RandomNumbers, _ out: inout ByteWriter) {
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

    /// Whether a request over HTTP/1 is a WebSocket's handshake, and asks for nothing else.
    static func isAsked(by block: borrowing HeaderBlock) -> Bool {
        guard block.method == .get, let upgrade = block.first(.upgrade) else { return false }
        let value = block.value(upgrade)
        guard value.count == 9, equalsIgnoringCase(value.baseAddress!, "websocket", count: 9) else { return false }
        for i in 0..<block.count where block.fields[i].name == .other {
            let bytes = block.nameBytes(block.fields[i])
            if equalsIgnoringCase(bytes.baseAddress!, name, count: bytes.count) { return true }
        }
        return false
    }

    /// The fields with which a handshake over HTTP/1 is answered, on behalf of an upstream that was asked over HTTP/2.
    static func accept(_ record: RequestRecord) -> [UInt8] {
        guard let key = key(in: record.text(ByteRange(start: 0, count: record.head.count))) else { return [] }
        // RFC 6455 section 4.2.2.
        let proof = SHA1.base64Digest(of: Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        return Array("Upgrade: websocket\r\nSec-WebSocket-Accept: \(proof)\r\n".utf8)
    }

    /// The key in a header block as it was written for the upstream.
    private static func key(in head: String) -> Substring? {
        for line in head.split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == "\(name)" else { continue }
            return line[line.index(after: colon)...].drop { $0 == " " }
        }
        return nil
    }
}
