/// The head of a request to the endpoint, as far as the endpoint cares.
package struct AdminRequest {
    package enum Parsed {
        /// More bytes are needed.
        case incomplete
        case request(AdminRequest, byteCount: Int)
        case malformed
    }

    var method: String
    var path: String
    /// The query's pairs in order, decoded.
    var query: [(name: String, value: String)]
    /// What Host and an absolute target name, as they stand there.
    var hosts: [String] = []
    var origins: [String] = []
    var accept = ""
    var lastEventID: String?
    /// Whether the connection may serve another request.
    var isPersistent: Bool

    var isHead: Bool { method == "HEAD" }

    func values(of name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

    /// Reads one head from the start of `bytes` (RFC 9112 sections 2 to 6).
    ///
    /// Never reads a body: a request that has one ends its connection.
    package static func parse(_ bytes: [UInt8]) -> Parsed {
        // Empty lines before a request line are skipped (RFC 9112 section 2.2).
        guard let start = bytes.firstIndex(where: { $0 != 0x0D && $0 != 0x0A }) else { return .incomplete }
        guard let end = endOfHead(bytes, from: start) else { return .incomplete }
        var lines = bytes[start..<end].split(separator: 0x0A, omittingEmptySubsequences: true).map { line in
            line.last == 0x0D ? line.dropLast() : line
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard let first = lines.first, var request = requestLine(first) else { return .malformed }
        let isOld = first.suffix(8).elementsEqual("HTTP/1.0".utf8)
        var hosts = 0
        for line in lines.dropFirst() {
            guard let field = field(line) else { return .malformed }
            switch field.name {
            case "host":
                hosts += 1
                request.hosts.append(field.value)
            case "origin": request.origins.append(field.value)
            case "accept": request.accept += (request.accept.isEmpty ? "" : ",") + field.value
            case "last-event-id": request.lastEventID = field.value
            case "connection": if field.value.lowercased().contains("close") { request.isPersistent = false }
            case "content-length": if field.value != "0" { request.isPersistent = false }
            case "transfer-encoding", "upgrade", "expect": request.isPersistent = false
            default: break
            }
        }
        guard hosts == 1 || isOld && hosts == 0 else { return .malformed }
        return .request(request, byteCount: end)
    }

    /// Behind the first empty line.
    private static func endOfHead(_ bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while let newline = bytes[index...].firstIndex(of: 0x0A) {
            let next = newline + 1
            if next < bytes.count, bytes[next] == 0x0A { return next + 1 }
            if next + 1 < bytes.count, bytes[next] == 0x0D, bytes[next + 1] == 0x0A { return next + 2 }
            index = next
        }
        return nil
    }

    private static func requestLine(_ line: ArraySlice<UInt8>) -> AdminRequest? {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy({ $0 >= 0x41 && $0 <= 0x5A }), !parts[1].isEmpty,
            parts[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F }), parts[2].count == 8, parts[2].starts(with: "HTTP/1.".utf8)
        else { return nil }
        var target = parts[1]
        // An absolute target names the host once more (RFC 9112 section 3.2.2).
        var hosts: [String] = []
        if target.starts(with: "http://".utf8) {
            target = target.dropFirst(7)
            let end =
                target.firstIndex { [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) } ?? target.endIndex
            hosts = [String(decoding: target[..<end], as: UTF8.self)]
            target = target[end...]
        }
        let pieces = target.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        return AdminRequest(
            method: String(decoding: parts[0], as: UTF8.self), path: String(decoding: pieces.first ?? [], as: UTF8.self),
            query: pieces.count > 1 ? pairs(pieces[1]) : [], hosts: hosts, isPersistent: parts[2].last == UInt8(ascii: "1"))
    }

    private static func field(_ line: ArraySlice<UInt8>) -> (name: String, value: String)? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
            line[..<colon].allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let value = line[(colon + 1)...].drop(while: isBlank)
        let end = value.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? value.startIndex
        return (String(decoding: line[..<colon], as: UTF8.self).lowercased(), String(decoding: value[..<end], as: UTF8.self))
    }

    private static func pairs(_ query: ArraySlice<UInt8>) -> [(name: String, value: String)] {
        query.split(separator: UInt8(ascii: "&")).map { piece in
            let parts = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
        }
    }

    private static func decoded(_ text: ArraySlice<UInt8>) -> String {
        var result: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            if byte == UInt8(ascii: "%"), index + 2 < text.endIndex,
                let high = hex(text[index + 1]), let low = hex(text[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func hex(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
