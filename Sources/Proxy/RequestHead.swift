import EventLoop
import HTTP1
import Wire

/// The header block of a request as it goes upstream (RFC 9110 section 7.6, RFC 7239).
enum RequestHead {
    /// Bytes that the fields added here take at the most, beside copies of Host and X-Forwarded-*.
    static let addedBytesMax = 640

    /// Drops from the block what is not passed on: hop-by-hop fields, and what this proxy states itself.
    static func dropFields(_ block: inout HeaderBlock, isTrusted: Bool, keepsUpgrade: Bool) {
        for i in 0..<block.count {
            switch block.fields[i].name {
            case .other: continue
            case let name where name.isHopByHop:
                block.fields[i].isDropped = !(keepsUpgrade && name == .upgrade)
            case .xForwardedFor, .xForwardedProto, .xForwardedHost, .forwarded, .xRequestID:
                block.fields[i].isDropped = true
            case .contentLength, .host: block.fields[i].isDropped = true
            case .traceparent: block.fields[i].isDropped = true
            default: break
            }
        }
        if block.facts.contains(.nominates) { Nomination.drop(&block) }
        // The state of a trace that is not continued here would be attached to another.
        if block.has(.tracestate) {
            let isContinued = block.first(.traceparent).map { TraceParent.isValid(block.value($0)) } ?? false
            if !isContinued { block.drop(.tracestate) }
        }
    }

    /// Writes the request's header block into the record's buffer, and notes where its names stand.
    static func write(
        _ block: borrowing HeaderBlock, target: UnsafeBufferPointer<UInt8>, host: UnsafeBufferPointer<UInt8>,
        isChunked: Bool, isTrusted: Bool, isTLS: Bool, keepsUpgrade: Bool, random: inout RandomNumbers,
        into record: inout RequestRecord
    ) {
        var out = ByteWriter(record.head.base!)
        out.put(block.bytes(block.methodText))
        record.methodText = out.range(from: 0)
        out.put(0x20)
        var mark = out.count
        out.put(target)
        record.target = out.range(from: mark)
        out.put(" HTTP/1.1\r\nHost: ")
        mark = out.count
        out.put(host)
        record.host = out.range(from: mark)
        out.put("\r\n")
        out.putFields(block)
        if isChunked {
            out.put("Transfer-Encoding: chunked\r\n")
        } else if block.facts.contains(.contentLength) {
            out.put("Content-Length: ")
            out.putDecimal(block.contentLength)
            out.put("\r\n")
        }
        if keepsUpgrade { out.put("Connection: upgrade\r\n") }
        if block.facts.contains(.extendedConnect) { WebSocketKey.put(&random, &out) }
        putForwarding(block, host: host, isTrusted: isTrusted, isTLS: isTLS, client: record.client, &out)
        putIdentity(block, isTrusted: isTrusted, random: &random, &record, &out)
        out.put(block.version == .http10 ? "Via: 1.0 sendonce\r\n\r\n" : "Via: 1.1 sendonce\r\n\r\n")
        record.head.start = 0
        record.head.end = UInt32(out.count)
    }

    /// Who asked, in both spellings. What a trusted proxy said comes first; what others said is not passed on.
    private static func putForwarding(
        _ block: borrowing HeaderBlock, host: UnsafeBufferPointer<UInt8>, isTrusted: Bool, isTLS: Bool, client: PeerAddress,
        _ out: inout ByteWriter
    ) {
        out.put("X-Forwarded-For: ")
        if isTrusted, let field = block.first(.xForwardedFor) {
            out.put(block.value(field))
            out.put(", ")
        }
        out.putHost(client)
        out.put("\r\nX-Forwarded-Proto: ")
        if isTrusted, let field = block.first(.xForwardedProto) {
            out.put(block.value(field))
        } else {
            out.put(isTLS ? "https" : "http")
        }
        out.put("\r\nX-Forwarded-Host: ")
        if isTrusted, let field = block.first(.xForwardedHost) { out.put(block.value(field)) } else { out.put(host) }
        out.put("\r\nForwarded: ")
        if isTrusted, let field = block.first(.forwarded) {
            out.put(block.value(field))
            out.put(", ")
        }
        switch client.byteCount {
        case 4:
            out.put("for=")
            out.putHost(client)
        case 16:
            out.put("for=\"[")
            out.putHost(client)
            out.put("]\"")
        default: out.put("for=unknown")
        }
        if isToken(host) {
            out.put(";host=")
            out.put(host)
        } else if !host.isEmpty, !host.contains(0x22), !host.contains(0x5c) {
            out.put(";host=\"")
            out.put(host)
            out.put("\"")
        }
        out.put(isTLS ? ";proto=https\r\n" : ";proto=http\r\n")
    }

    /// The request's id and its trace context: kept where they can be believed, created otherwise.
    private static func putIdentity(
        _ block: borrowing HeaderBlock, isTrusted: Bool, random: inout RandomNumbers, _ record: inout RequestRecord,
        _ out: inout ByteWriter
    ) {
        out.put("X-Request-Id: ")
        var mark = out.count
        if isTrusted, let field = block.first(.xRequestID), (1...128).contains(field.valueCount) {
            out.put(block.value(field))
        } else {
            out.putHex(random.next())
            out.putHex(random.next())
        }
        record.id = out.range(from: mark)
        out.put("\r\ntraceparent: ")
        mark = out.count
        if let field = block.first(.traceparent), TraceParent.isValid(block.value(field)) {
            out.put(block.value(field))
        } else {
            out.put("00-")
            out.putHex(random.next())
            out.putHex(random.next() | 1)
            out.put("-")
            out.putHex(random.next() | 1)
            out.put("-01")
        }
        record.trace = out.range(from: mark)
        out.put("\r\n")
    }

    private static func isToken(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2e || $0 == 0x2d || $0 == 0x5f }
    }
}
