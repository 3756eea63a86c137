import Report
import Wire

/// Writes lines of the access log into memory that has room for `ReportLimit.accessLineBytesMax`. Allocates nothing.
struct AccessWriter {
    /// Bytes of one text from a client that a line takes; each may become six.
    static let textBytesMax = 2000
    static let incidentsMax = 16

    let plan: Plan
    /// The upstream of each server, and its index there, in the order of the worker's servers.
    let servers: UnsafeBufferPointer<(upstream: UInt16, index: UInt16)>
    let isCombined: Bool
    private var clock = AccessClock()

    init(plan: Plan, servers: UnsafeBufferPointer<(upstream: UInt16, index: UInt16)>, isCombined: Bool) {
        self.plan = plan
        self.servers = servers
        self.isCombined = isCombined
    }

    /// Writes the line of an exchange, with its line end. `incidents` are those that were known by then.
    mutating func write(_ entry: AccessEntry, incidents: [String], _ out: inout ByteWriter) {
        if isCombined { writeCombined(entry, incidents, &out) } else { writeJSON(entry, incidents, &out) }
        out.put(0x0a)
    }

    // MARK: JSON

    /// Named and nested like the incident record, so that one filter serves both logs.
    private mutating func writeJSON(_ entry: AccessEntry, _ incidents: [String], _ out: inout ByteWriter) {
        out.put("{\"time\":\"")
        clock.put(entry.timeNanoseconds, isCombined: false, &out)
        out.put("\",\"outcome\":\"")
        out.put(entry.outcome.text)
        out.put("\",\"route\":\"")
        if entry.route >= 0 { putName(plan.routes[entry.route].name, &out) } else { out.put("_none") }
        out.put("\",\"client\":{\"address\":\"")
        out.putAddress(entry.client)
        out.put("\",\"protocol\":\"")
        putVersion(entry.version, &out)
        out.put("\"},\"request\":{\"id\":\"")
        putJSON(entry.id, &out)
        out.put("\"")
        if !entry.method.isEmpty { putMember(",\"method\":\"", entry.method, &out) }
        if !entry.target.isEmpty { putLocation(",\"path\":\"", entry.target, &out) }
        if !entry.host.isEmpty { putMember(",\"host\":\"", entry.host, &out) }
        if entry.trace.count >= 55 {
            putMember(",\"trace_id\":\"", AccessEntry.Text(rebasing: entry.trace[3..<35]), &out)
            putMember(",\"span_id\":\"", AccessEntry.Text(rebasing: entry.trace[36..<52]), &out)
        }
        if !entry.referer.isEmpty { putLocation(",\"referer\":\"", entry.referer, &out) }
        if !entry.userAgent.isEmpty { putMember(",\"user_agent\":\"", entry.userAgent, &out) }
        out.put(",\"body_bytes\":")
        out.putDecimal(entry.requestBytes)
        out.put("},\"response\":{\"status\":")
        out.putDecimal(UInt64(entry.status))
        out.put(",\"body_bytes\":")
        out.putDecimal(entry.responseBytes)
        out.put("}")
        if entry.server >= 0 { putServer(entry, &out) }
        out.put(",\"duration_ms\":")
        out.putMilliseconds(entry.duration)
        if !incidents.isEmpty {
            out.put(",\"incidents\":[")
            for (i, id) in incidents.prefix(Self.incidentsMax).enumerated() {
                out.put(i == 0 ? "\"" : ",\"")
                putName(id, &out)
                out.put("\"")
            }
            out.put("]")
        }
        out.put("}")
    }

    private func putServer(_ entry: AccessEntry, _ out: inout ByteWriter) {
        let place = servers[entry.server]
        out.put(",\"upstream\":{\"name\":\"")
        putName(plan.upstreams[Int(place.upstream)].name, &out)
        out.put("\",\"address\":\"")
        putName(plan.upstreams[Int(place.upstream)].servers[Int(place.index)].name, &out)
        out.put("\",\"connection\":")
        out.putDecimal(entry.connection)
        out.put(",\"exchange\":")
        out.putDecimal(UInt64(entry.ordinal))
        out.put(",\"attempts\":")
        out.putDecimal(UInt64(entry.attempts))
        if entry.connectTime > 0 {
            out.put(",\"connect_ms\":")
            out.putMilliseconds(entry.connectTime)
        }
        if entry.headerTime > 0 {
            out.put(",\"header_ms\":")
            out.putMilliseconds(entry.headerTime)
        }
        out.put("}")
    }

    private func putMember(_ key: StaticString, _ text: AccessEntry.Text, _ out: inout ByteWriter) {
        out.put(key)
        putJSON(text, &out)
        out.put("\"")
    }

    private func putLocation(_ key: StaticString, _ text: AccessEntry.Text, _ out: inout ByteWriter) {
        out.put(key)
        putQueried(text, &out)
        out.put("\"")
    }

    // MARK: Combined

    /// The combined format, and after it what it has no place for as `key=value`.
    private mutating func writeCombined(_ entry: AccessEntry, _ incidents: [String], _ out: inout ByteWriter) {
        out.putHost(entry.client)
        out.put(" - - [")
        clock.put(entry.timeNanoseconds, isCombined: true, &out)
        out.put("] \"")
        if entry.method.isEmpty {
            out.put("-")
        } else {
            putHex(entry.method, &out)
            out.put(" ")
            putQueried(entry.target, &out)
            out.put(entry.version == .http10 ? " HTTP/1.0" : entry.version == .http11 ? " HTTP/1.1" : " HTTP/2.0")
        }
        out.put("\" ")
        out.putDecimal(UInt64(entry.status))
        out.put(0x20)
        out.putDecimal(entry.responseBytes)
        out.put(" \"")
        if entry.referer.isEmpty { out.put("-") } else { putQueried(entry.referer, &out) }
        out.put("\"")
        putQuoted(entry.userAgent, &out)
        out.put(" request_id=")
        putHex(entry.id, &out)
        out.put(" trace_id=")
        if entry.trace.count >= 55 { putHex(AccessEntry.Text(rebasing: entry.trace[3..<35]), &out) } else { out.put("-") }
        out.put(" route=\"")
        if entry.route >= 0 { putName(plan.routes[entry.route].name, &out) } else { out.put("_none") }
        out.put("\" upstream=\"")
        if entry.server >= 0 {
            let place = servers[entry.server]
            putName(plan.upstreams[Int(place.upstream)].name, &out)
            out.put("\" server=\"")
            putName(plan.upstreams[Int(place.upstream)].servers[Int(place.index)].name, &out)
        } else {
            out.put("_none")
        }
        out.put("\" outcome=")
        out.put(entry.outcome.text)
        out.put(" duration_ms=")
        out.putMilliseconds(entry.duration)
        if entry.connectTime > 0 { out.put(" connect_ms="); out.putMilliseconds(entry.connectTime) }
        if entry.headerTime > 0 { out.put(" header_ms="); out.putMilliseconds(entry.headerTime) }
        for (i, id) in incidents.prefix(Self.incidentsMax).enumerated() {
            out.put(i == 0 ? " incidents=" : ",")
            putName(id, &out)
        }
    }

    private func putQuoted(_ text: AccessEntry.Text, _ out: inout ByteWriter) {
        out.put(" \"")
        if text.isEmpty { out.put("-") } else { putHex(text, &out) }
        out.put("\"")
    }

    // MARK: Texts

    /// A text that may hold a query, whose values go when they are not to be kept: `/a?x=1&y` becomes `/a?x=[REDACTED]&[REDACTED]`.
    private func putQueried(_ whole: AccessEntry.Text, _ out: inout ByteWriter) {
        guard plan.accessRedactsQuery, let mark = whole.firstIndex(of: UInt8(ascii: "?")) else { return putText(whole, &out) }
        // A value takes less room than what stands for it, but never as much as a text that has to be escaped.
        let text = AccessEntry.Text(rebasing: whole[..<min(whole.count, Self.textBytesMax)])
        var start = min(mark + 1, text.count)
        putText(AccessEntry.Text(rebasing: text[..<start]), &out)
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: "&") { end += 1 }
            if end > start {
                let equals = text[start..<end].firstIndex(of: UInt8(ascii: "="))
                if let equals { putText(AccessEntry.Text(rebasing: text[start...equals]), &out) }
                out.put("[REDACTED]")
            }
            if end < text.count { out.put(UInt8(ascii: "&")) }
            start = end + 1
        }
        if whole.count > text.count, !isCombined { out.put("…") }
    }

    private func putText(_ text: AccessEntry.Text, _ out: inout ByteWriter) {
        if isCombined { putHex(text, &out) } else { putJSON(text, &out) }
    }

    private func putVersion(_ version: HTTPVersion, _ out: inout ByteWriter) {
        out.put(version == .http10 ? "http/1.0" : version == .http11 ? "http/1.1" : "h2")
    }

    /// A name of the configuration, or an id.
    private func putName(_ name: String, _ out: inout ByteWriter) {
        for byte in name.utf8 {
            if byte == 0x22 || byte == 0x5c { out.put(0x5c) }
            out.put(byte)
        }
    }

    /// A client's bytes inside a JSON string: bytes that are no UTF-8 are written one by one.
    private func putJSON(_ text: AccessEntry.Text, _ out: inout ByteWriter) {
        var i = 0
        let end = min(text.count, Self.textBytesMax)
        while i < end {
            let byte = text[i]
            if byte == 0x22 || byte == 0x5c {
                out.put(0x5c)
                out.put(byte)
                i += 1
            } else if byte >= 0x20, byte < 0x7f {
                out.put(byte)
                i += 1
            } else {
                let length = byte < 0x80 ? 0 : UTF8Sequence.length(text, at: i)
                // The C1 controls are characters that a terminal obeys.
                let isControl = length == 2 && byte == 0xc2 && text[i + 1] < 0xa0
                if length > 0, i + length <= end, !isControl {
                    out.put(text.baseAddress! + i, length)
                    i += length
                } else {
                    out.put("\\u00")
                    out.putHexDigits(isControl ? text[i + 1] : byte)
                    i += isControl ? 2 : 1
                }
            }
        }
        if end < text.count { out.put("…") }
    }

    /// A client's bytes as web servers write them in this format.
    private func putHex(_ text: AccessEntry.Text, _ out: inout ByteWriter) {
        let end = min(text.count, Self.textBytesMax)
        for i in 0..<end {
            let byte = text[i]
            if byte >= 0x20, byte < 0x7f, byte != 0x22, byte != 0x5c {
                out.put(byte)
            } else {
                out.put("\\x")
                out.putHexDigits(byte)
            }
        }
    }
}
