import EventLoop
import HTTP1
import Report
import Wire

/// The header block of a request as it goes upstream (RFC 9110 section 7.6, RFC 7239).
enum RequestHead {
    /// Bytes that the fields added here take at the most, beside copies of Host and X-Forwarded-*.
    static let addedBytesMax = 704

    /// What the client asked for, and what is asked of the upstream instead where a route changes it.
    struct Aim {
        var target: UnsafeBufferPointer<UInt8>
        var host: UnsafeBufferPointer<UInt8>
        var askedTarget: UnsafeBufferPointer<UInt8>
        var askedHost: UnsafeBufferPointer<UInt8>
        var changes: Unmanaged<FieldChanges>?
        var isTrusted: Bool
        var isTLS = false
        /// The upstream may be told that the client takes trailers: over HTTP/2 they come through, and gRPC's servers insist on it.
        var tellsTrailers = false
        /// The request carries the mark of its exchange, which is written when it is sent.
        var isMarked = false
        /// Whom this proxy was asked by: the client, or a trusted proxy that speaks for it.
        var peer: PeerAddress

        init(_ asked: RequestTarget, peer: PeerAddress, isTrusted: Bool) {
            target = asked.path
            host = asked.host
            askedTarget = asked.asked
            askedHost = asked.host
            self.peer = peer
            self.isTrusted = isTrusted
        }

        /// Bytes that they take in a header block's buffer at the most; the host stands in three fields.
        var byteCount: Int { target.count + host.count + askedTarget.count + 3 * askedHost.count + changes.lines.count }
    }

    /// Drops from the block what is not passed on: hop-by-hop fields, and what this proxy states itself.
    static func dropFields(_ block: inout HeaderBlock) {
        for i in 0..<block.count {
            switch block.fields[i].name {
            case .other: continue
            case let name where name.isHopByHop: block.fields[i].isDropped = true
            case .xForwardedFor, .xForwardedProto, .xForwardedHost, .forwarded, .xRequestID:
                block.fields[i].isDropped = true
            case .contentLength, .host: block.fields[i].isDropped = true
            case .traceparent, .sendOnceID: block.fields[i].isDropped = true
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
        _ block: borrowing HeaderBlock, _ aim: Aim, isChunked: Bool, keepsUpgrade: Bool,
        random: inout RandomNumbers,
        into record: inout RequestRecord
    ) {
        var out = ByteWriter(record.head.base!)
        if block.facts.contains(.extendedConnect) { out.put("GET") } else { out.put(block.bytes(block.methodText)) }
        record.methodText = out.range(from: 0)
        out.put(0x20)
        var mark = out.count
        out.put(aim.target)
        record.target = out.range(from: mark)
        out.put(" HTTP/1.1\r\nHost: ")
        mark = out.count
        out.put(aim.host)
        record.host = out.range(from: mark)
        out.put("\r\n")
        mark = out.count
        out.putFields(block)
        if block.has(.expect) { lowerExpectation(out.base + mark, out.count - mark) }
        if isChunked {
            out.put("Transfer-Encoding: chunked\r\n")
        } else if block.facts.contains(.contentLength) {
            out.put("Content-Length: ")
            out.putDecimal(block.contentLength)
            out.put("\r\n")
        }
        if aim.tellsTrailers, takesTrailers(block) { out.put("TE: trailers\r\n") }
        if keepsUpgrade { putUpgrade(block, &out) }
        if block.facts.contains(.extendedConnect) { WebSocketKey.put(&random, &out) }
        putForwarding(block, aim, &out)
        putIdentity(block, isTrusted: aim.isTrusted, random: &random, &record, &out)
        out.put(aim.changes.lines)
        if !aim.changes.replaces(.via) { out.put(block.version.viaLine) }
        if aim.isMarked { out.put(ExchangeMark.line) }
        out.put("\r\n")
        record.head.start = 0
        record.head.end = UInt32(out.count)
        // What the client asked for stands after the block when it is not in there: that is what the logs show.
        if aim.target.baseAddress != aim.askedTarget.baseAddress {
            mark = out.count
            out.put(aim.askedTarget)
            record.target = out.range(from: mark)
        }
        if aim.host.baseAddress != aim.askedHost.baseAddress {
            mark = out.count
            out.put(aim.askedHost)
            record.host = out.range(from: mark)
        }
    }

    /// An expectation has no case (RFC 9110 section 10.1.1), but there are servers of HTTP/2 that compare bytes: it goes on as most write it.
    private static func lowerExpectation(_ lines: UnsafeMutablePointer<UInt8>, _ count: Int) {
        var start = 0
        while start < count {
            let end =
                UnsafeBufferPointer(start: lines + start, count: count - start).firstIndex(of: 0x0a).map { start + $0 } ?? count
            if end - start > 7, equalsIgnoringCase(lines + start, "expect:", count: 7) {
                for i in start + 7..<end where lines[i] == 0x43 { lines[i] = 0x63 }
            }
            start = end + 1
        }
    }

    /// Whether the client says that it takes trailers (RFC 9110 section 10.1.4).
    private static func takesTrailers(_ block: borrowing HeaderBlock) -> Bool {
        guard block.has(.te) else { return false }
        var takes = false
        for i in 0..<block.count where block.fields[i].name == .te {
            let value = block.value(block.fields[i])
            guard let start = value.baseAddress else { continue }
            FieldReader.eachElement(start, value.count) { element, n in
                if equalsIgnoringCase(element, "trailers", count: n) { takes = true }
            }
        }
        return takes
    }

    /// The protocols that the connection may become a tunnel for, and no others. Never more bytes than the block's own fields have.
    private static func putUpgrade(_ block: borrowing HeaderBlock, _ out: inout ByteWriter) {
        out.put("Upgrade: ")
        let first = out.count
        let base = out.base
        var end = first
        UpgradeProtocol.eachOffered(by: block) { name, count in
            if end > first { base[end] = 0x2c; end += 1 }
            (base + end).update(from: name, count: count)
            end += count
        }
        out.skip(to: end)
        out.put("\r\nConnection: upgrade\r\n")
    }

    /// Who asked, in both spellings. What a trusted proxy said comes first; what others said is not passed on.
    private static func putForwarding(_ block: borrowing HeaderBlock, _ aim: Aim, _ out: inout ByteWriter) {
        func writes(_ name: FieldName) -> Bool { !aim.changes.replaces(name) }
        if writes(.xForwardedFor) {
            out.put("X-Forwarded-For: ")
            if aim.isTrusted { putList(.xForwardedFor, of: block, &out) }
            out.putHost(aim.peer)
            out.put("\r\n")
        }
        if writes(.xForwardedProto) {
            out.put("X-Forwarded-Proto: ")
            if aim.isTrusted, let field = block.first(.xForwardedProto) {
                out.put(block.value(field))
            } else {
                out.put(aim.isTLS ? "https" : "http")
            }
            out.put("\r\n")
        }
        if writes(.xForwardedHost) {
            out.put("X-Forwarded-Host: ")
            if aim.isTrusted, let field = block.first(.xForwardedHost) {
                out.put(block.value(field))
            } else {
                out.put(aim.askedHost)
            }
            out.put("\r\n")
        }
        guard writes(.forwarded) else { return }
        out.put("Forwarded: ")
        if aim.isTrusted { putList(.forwarded, of: block, &out) }
        putForwarded(aim, &out)
    }

    /// The elements of a list that may stand in several lines, each with a comma after it.
    private static func putList(_ name: FieldName, of block: borrowing HeaderBlock, _ out: inout ByteWriter) {
        guard block.has(name) else { return }
        for i in 0..<block.count where block.fields[i].name == name && block.fields[i].valueCount > 0 {
            out.put(block.value(block.fields[i]))
            out.put(", ")
        }
    }

    /// This proxy's own element of Forwarded (RFC 7239 section 4).
    private static func putForwarded(_ aim: Aim, _ out: inout ByteWriter) {
        switch aim.peer.byteCount {
        case 4:
            out.put("for=")
            out.putHost(aim.peer)
        case 16:
            out.put("for=\"[")
            out.putHost(aim.peer)
            out.put("]\"")
        default: out.put("for=unknown")
        }
        let host = aim.askedHost
        if isToken(host) {
            out.put(";host=")
            out.put(host)
        } else if !host.isEmpty, !host.contains(0x22), !host.contains(0x5c) {
            out.put(";host=\"")
            out.put(host)
            out.put("\"")
        }
        out.put(aim.isTLS ? ";proto=https\r\n" : ";proto=http\r\n")
    }

    /// The request's id and its trace context: kept where they can be believed, created otherwise.
    private static func putIdentity(
        _ block: borrowing HeaderBlock, isTrusted: Bool, random: inout RandomNumbers, _ record: inout RequestRecord,
        _ out: inout ByteWriter
    ) {
        out.put("X-Request-Id: ")
        var mark = out.count
        if isTrusted, let field = block.first(.xRequestID), isID(field) {
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

    /// Whether the value of an X-Request-Id is one.
    static func isID(_ field: Field) -> Bool { (1...128).contains(field.valueCount) }

    private static func isToken(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { $0 &- 0x30 < 10 || ($0 | 0x20) &- 0x61 < 26 || $0 == 0x2e || $0 == 0x2d || $0 == 0x5f }
    }
}
