import HTTP1
import Wire

/// The header block of an answer as it goes to the client (RFC 9110 section 7.6).
enum ResponseHead {
    /// Bytes that the fields added here take at the most.
    static let addedBytesMax = 256

    /// What the client's hop calls for.
    struct Hop {
        var framing: BodyDecoder.Framing
        var closes: Bool
        var isHTTP10: Bool
        var switches = false
        /// The answer ends with this block, which HTTP/1 has to be told: a stream's own end may have said so.
        var isEmpty = false
    }

    /// Drops hop-by-hop fields, and lengths that no longer hold.
    static func dropFields(_ block: inout HeaderBlock, _ hop: Hop) {
        for i in 0..<block.count {
            switch block.fields[i].name {
            case .other: continue
            case .contentLength:
                block.fields[i].isDropped =
                    hop.framing == .chunked || block.facts.contains(.transferEncoding)
                    || block.facts.contains(.contentLengthRepeated)
            case .transferEncoding:
                // A coding other than chunked stays on the body, and has to be told.
                block.fields[i].isDropped = !(block.facts.contains(.otherCoding) && hop.framing == .chunked)
            case .upgrade: block.fields[i].isDropped = !hop.switches
            case let name where name.isHopByHop: block.fields[i].isDropped = true
            default: break
            }
        }
        if block.facts.contains(.nominates) { Nomination.drop(&block) }
    }

    /// `cookie` and `accept` are whole field lines to add, or empty.
    static func write(
        _ block: borrowing HeaderBlock, _ hop: Hop, _ changes: Unmanaged<FieldChanges>?, _ cookie: UnsafeBufferPointer<UInt8>,
        _ accept: UnsafeBufferPointer<UInt8>, _ out: inout ByteWriter
    ) {
        out.put("HTTP/1.1 ")
        out.putDecimal(UInt64(block.status))
        out.put(0x20)
        out.put(block.bytes(block.reason))
        out.put("\r\n")
        out.putFields(block)
        if block.facts.contains(.contentLengthRepeated), hop.framing != .chunked, !block.facts.contains(.transferEncoding) {
            out.put("Content-Length: ")
            out.putDecimal(block.contentLength)
            out.put("\r\n")
        }
        if hop.isEmpty, !block.facts.contains(.contentLength) { out.put("Content-Length: 0\r\n") }
        // Behind codings that do not end in chunked, which ended with the connection, it is added: they are chunked now.
        if hop.framing == .chunked, !block.facts.isSuperset(of: [.otherCoding, .chunked]) {
            out.put("Transfer-Encoding: chunked\r\n")
        }
        if hop.switches {
            out.put("Connection: upgrade\r\n")
        } else if hop.closes {
            out.put("Connection: close\r\n")
        } else if hop.isHTTP10 {
            out.put("Connection: keep-alive\r\n")
        }
        out.put(cookie)
        out.put(accept)
        out.put(changes.lines)
        if !changes.replaces(.via) {
            out.put(block.version == .http10 ? "Via: 1.0 sendonce\r\n" : "Via: 1.1 sendonce\r\n")
        }
        out.put("\r\n")
    }
}
