/// Reads HTTP/1 messages of one direction, strictly, and shares no code with the proxy.
struct MessageReader {
    struct Head {
        var startLine = ""
        /// Names in lower case.
        var fields: [(name: String, value: String)] = []

        func values(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
        func value(_ name: String) -> String? { values(name).first }
        var status: Int { Int(startLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
        var closes: Bool { value("connection") == "close" }
    }

    enum Event {
        case interim(Head)
        case head(Head)
        case body([UInt8])
        case end(trailers: [(name: String, value: String)])
        case broken(String)
    }

    private enum Phase { case head, length(Int), size, chunk(Int), chunkEnd, trailers, untilClose, raw, broken }

    let readsResponses: Bool
    /// For responses: whether the next one answers HEAD.
    var answersHead = false
    private var phase = Phase.head
    private var buffer: [UInt8] = []
    private var start = 0
    /// No header block ends before this place.
    private var scanned = 0

    init(responses: Bool) { readsResponses = responses }

    /// Between two messages, with nothing of the next one here.
    var isAtStart: Bool {
        if case .head = phase { return start == buffer.count }
        return false
    }

    /// In a body that only the connection's end ends.
    var endsWithConnection: Bool {
        if case .untilClose = phase { return true }
        return false
    }

    mutating func receive(_ bytes: [UInt8]) { buffer += bytes }

    /// What follows is not HTTP.
    mutating func switchToRaw() { phase = .raw }

    /// Bytes that have not been made events of.
    var rest: ArraySlice<UInt8> { buffer[start...] }

    mutating func next() -> Event? {
        switch phase {
        case .head: return head()
        case .length(0):
            phase = .head
            return .end(trailers: [])
        case .length(let left):
            guard let bytes = take(upTo: left) else { return nil }
            phase = .length(left - bytes.count)
            return .body(bytes)
        case .size:
            guard let line = line() else { return nil }
            let digits = line.prefix { $0 != ";" }
            guard let size = Int(digits, radix: 16) else { return fail("chunk size \(line)") }
            phase = size == 0 ? .trailers : .chunk(size)
            return next()
        case .chunk(let left):
            guard let bytes = take(upTo: left) else { return nil }
            phase = left == bytes.count ? .chunkEnd : .chunk(left - bytes.count)
            return .body(bytes)
        case .chunkEnd:
            guard let line = line() else { return nil }
            guard line.isEmpty else { return fail("bytes behind a chunk") }
            phase = .size
            return next()
        case .trailers: return trailers()
        case .untilClose, .raw:
            guard let bytes = take(upTo: .max) else { return nil }
            return .body(bytes)
        case .broken: return nil
        }
    }

    private mutating func head() -> Event? {
        guard let end = blockEnd() else { return nil }
        let block = buffer[start..<end]
        start = end
        compact()
        var head = Head()
        var lines = String(decoding: block, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        head.startLine = String(lines.removeFirst())
        for line in lines where !line.isEmpty {
            guard let field = Self.field(line) else { return fail("field \(line)") }
            head.fields.append(field)
        }
        if readsResponses {
            guard head.startLine.hasPrefix("HTTP/1.1 "), head.status >= 100 else {
                return fail("status line \(head.startLine)")
            }
            if head.status < 200, head.status != 101 { return .interim(head) }
        } else {
            guard head.startLine.hasSuffix(" HTTP/1.1") else { return fail("request line \(head.startLine)") }
        }
        phase = framing(head)
        return .head(head)
    }

    private func framing(_ head: Head) -> Phase {
        if readsResponses, answersHead || head.status == 204 || head.status == 304 { return .length(0) }
        if readsResponses, head.status == 101 { return .raw }
        if head.value("transfer-encoding") == "chunked" { return .size }
        if head.value("transfer-encoding") != nil { return .untilClose }
        let lengths = head.values("content-length")
        guard let first = lengths.first else { return readsResponses ? .untilClose : .length(0) }
        guard lengths.count == 1, let length = Int(first) else { return .broken }
        return .length(length)
    }

    private mutating func trailers() -> Event? {
        var fields: [(name: String, value: String)] = []
        let mark = start
        while let line = line() {
            if line.isEmpty {
                phase = .head
                return .end(trailers: fields)
            }
            guard let field = Self.field(line[...]) else { return fail("trailer \(line)") }
            fields.append(field)
        }
        start = mark
        return nil
    }

    private static func field(_ line: Substring) -> (name: String, value: String)? {
        guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return nil }
        let value = line[line.index(after: colon)...]
        return (line[..<colon].lowercased(), String(value.drop { $0 == " " }))
    }

    private mutating func fail(_ what: String) -> Event {
        phase = .broken
        return .broken(what)
    }

    private mutating func blockEnd() -> Int? {
        var i = max(start, scanned)
        while i + 3 < buffer.count {
            if buffer[i] == 0x0d, buffer[i + 1] == 0x0a, buffer[i + 2] == 0x0d, buffer[i + 3] == 0x0a {
                scanned = 0
                return i + 4
            }
            i += 1
        }
        scanned = i
        return nil
    }

    private mutating func line() -> String? {
        var i = start
        while i + 1 < buffer.count {
            if buffer[i] == 0x0d, buffer[i + 1] == 0x0a {
                let line = String(decoding: buffer[start..<i], as: UTF8.self)
                start = i + 2
                return line
            }
            i += 1
        }
        return nil
    }

    private mutating func take(upTo count: Int) -> [UInt8]? {
        let n = min(count, buffer.count - start)
        guard n > 0 else { return nil }
        let bytes = Array(buffer[start..<start + n])
        start += n
        compact()
        return bytes
    }

    private mutating func compact() {
        guard start == buffer.count || start > 4096 else { return }
        buffer.removeFirst(start)
        start = 0
        scanned = 0
    }
}
