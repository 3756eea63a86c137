import Wire

/// The cookie that leads a client back to the server that it had: a name for the upstream, an id for each of its servers.
///
/// An id is a hash of the names, so it is the same after a restart, on another proxy, and when servers are listed in
/// another order; it does not reveal an address.
final class StickyCookie: @unchecked Sendable {
    static let attributes = "; Path=/; HttpOnly; SameSite=Lax"
    /// Hexadecimal digits of an id.
    static let idCount = 16

    /// `sendonce-` and what distinguishes the upstream from others on the same host, with the equals sign.
    let name: [UInt8]
    private let ids: [[UInt8]]
    /// Whole field lines by server, for clients without and with TLS.
    private let lines: [UnsafeBufferPointer<UInt8>]
    private let secureLines: [UnsafeBufferPointer<UInt8>]

    init(upstream: String, servers: [String]) {
        name = Array("sendonce-".utf8) + Self.hexadecimal(Self.hash(upstream), 8) + [0x3d]
        ids = servers.map { Self.hexadecimal(Self.hash(upstream + "\n" + $0), Self.idCount) }
        let (name, start) = (name, Array("Set-Cookie: ".utf8))
        lines = ids.map { Self.kept(start + name + $0 + Array((Self.attributes + "\r\n").utf8)) }
        secureLines = ids.map { Self.kept(start + name + $0 + Array((Self.attributes + "; Secure\r\n").utf8)) }
    }

    deinit {
        for line in lines + secureLines { line.deallocate() }
    }

    /// The field line that gives a client this server; good as long as this is.
    func line(_ server: Int, isSecure: Bool) -> UnsafeBufferPointer<UInt8> { isSecure ? secureLines[server] : lines[server] }

    /// The server, by its place in the upstream, that the request's cookies name; -1 for none.
    func server(namedIn block: borrowing HeaderBlock) -> Int {
        for i in 0..<block.count where block.fields[i].name == .other && block.fields[i].nameCount == 6 {
            let field = block.fields[i]
            guard let name = block.nameBytes(field).baseAddress, equalsIgnoringCase(name, "cookie", count: 6) else { continue }
            let found = server(namedIn: block.value(field))
            if found >= 0 { return found }
        }
        return -1
    }

    private func server(namedIn cookies: UnsafeBufferPointer<UInt8>) -> Int {
        var start = 0
        while start < cookies.count {
            while start < cookies.count, cookies[start] == 0x20 || cookies[start] == 0x3b || cookies[start] == 0x09 {
                start += 1
            }
            var end = start
            while end < cookies.count, cookies[end] != 0x3b { end += 1 }
            if end - start >= name.count + Self.idCount, starts(cookies, start, with: name) {
                for (server, id) in ids.enumerated() where starts(cookies, start + name.count, with: id) { return server }
            }
            start = end
        }
        return -1
    }

    private func starts(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, with expected: [UInt8]) -> Bool {
        for i in 0..<expected.count where bytes[start + i] != expected[i] { return false }
        return true
    }

    private static func kept(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
        let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = memory.initialize(from: bytes)
        return UnsafeBufferPointer(memory)
    }

    /// FNV-1a with a finish that spreads the last bytes over all bits.
    private static func hash(_ text: String) -> UInt64 {
        var hash = FNV1a(text.utf8).value
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ hash >> 33
    }

    private static func hexadecimal(_ number: UInt64, _ digits: Int) -> [UInt8] {
        (0..<digits).map { place in
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * place)) & 15
            return digit < 10 ? 0x30 + digit : 0x57 + digit
        }
    }
}
