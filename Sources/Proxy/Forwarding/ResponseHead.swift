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
        /// The answer ends with this block, which HTTP/1 has to say: a stream's own end may have said so.
        var isEmpty = false
        /// What a route sets is for the answer itself.
        var isInterim = false
    }

    /// Drops hop-by-hop fields, and lengths that no longer hold.
    static func dropFields(_ block: inout HeaderBlock, _ hop: Hop) {
        for i in 0..<block.count {
            switch block.fields[i].name {
            case .other: continue
            case .contentLength:
                block.fields[i].isDropped =
                    hop.framing == .chunked || !block.facts.isDisjoint(with: .codings)
                    || block.facts.contains(.contentLengthRepeated)
            case .upgrade: block.fields[i].isDropped = !hop.switches
            // What goes between the probe and this proxy stays between them.
            case .sendOnceID: block.fields[i].isDropped = true
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
        if block.version == .http2 {
            out.put(ReasonPhrase.of(block.status))
        } else {
            out.put(block.bytes(block.reason))
        }
        out.put("\r\n")
        out.putFields(block)
        if block.facts.contains(.contentLengthRepeated), hop.framing != .chunked, block.facts.isDisjoint(with: .codings) {
            out.put("Content-Length: ")
            out.putDecimal(block.contentLength)
            out.put("\r\n")
        }
        if hop.isEmpty, !block.facts.contains(.contentLength) { out.put("Content-Length: 0\r\n") }
        if block.facts.contains(.otherCoding), hop.framing != .none {
            putCodings(block, isChunked: hop.framing == .chunked, &out)
        } else if hop.framing == .chunked {
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
        if !hop.isInterim { out.put(changes.lines) }
        if !changes.replaces(.via) { out.put(block.version.viaLine) }
        out.put("\r\n")
    }

    /// Codings other than chunked stay on the body, and have to be announced.
    ///
    /// HTTP/1.0 and HTTP/2 have no transfer codings: what may be a content coding as well is announced as that (RFC 9110 section 8.4.1).
    private static func putCodings(_ block: borrowing HeaderBlock, isChunked: Bool, _ out: inout ByteWriter) {
        var bytes: [UInt8] = []
        var areContentCodings = true
        for i in 0..<block.count where block.fields[i].name == .transferEncoding {
            let value = block.value(block.fields[i])
            guard let start = value.baseAddress else { continue }
            FieldReader.eachElement(start, value.count) { coding, n in
                guard !equalsIgnoringCase(coding, "chunked", count: n), !equalsIgnoringCase(coding, "identity", count: n) else {
                    return
                }
                if !isContentCoding(coding, n) { areContentCodings = false }
                if !bytes.isEmpty { bytes.append(0x2c) }
                bytes += UnsafeBufferPointer(start: coding, count: n)
            }
        }
        guard !bytes.isEmpty, isChunked || areContentCodings else { return }
        out.put(isChunked ? "Transfer-Encoding: " : "Content-Encoding: ")
        bytes.withUnsafeBufferPointer { out.put($0) }
        out.put(isChunked ? ", chunked\r\n" : "\r\n")
    }

    private static func isContentCoding(_ coding: UnsafePointer<UInt8>, _ n: Int) -> Bool {
        for known in ["gzip", "x-gzip", "deflate", "compress", "x-compress"] as [StaticString]
        where equalsIgnoringCase(coding, known, count: n) {
            return true
        }
        return false
    }
}
