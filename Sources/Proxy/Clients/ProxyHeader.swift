import CShim

/// What a PROXY header at the beginning of a connection says (HAProxy's PROXY protocol, versions 1 and 2).
package enum ProxyHeader {
    /// More bytes are needed to decide.
    case incomplete
    case malformed
    /// So many bytes are the header. Nil: the connection is the proxy's own, or of a sort that has no address for us.
    case complete(byteCount: Int, source: PeerAddress?)

    /// A header of version 2 may carry extensions; a longer one is refused.
    package static let bytesMax = 4096
    /// The longest line of version 1, with its end.
    private static let lineBytesMax = 107
    private static let line: StaticString = "PROXY "
    private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"

    /// Reads the header at the start of the bytes. Total: no bytes trap.
    package static func read(_ bytes: UnsafeBufferPointer<UInt8>) -> ProxyHeader {
        if begins(bytes, line) { return bytes.count < line.utf8CodeUnitCount ? .incomplete : readLine(bytes) }
        guard begins(bytes, signature) else { return .malformed }
        return bytes.count < 16 ? .incomplete : readBinary(bytes)
    }

    /// Whether the bytes begin as the text does, as far as both go.
    private static func begins(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
        for i in 0..<min(bytes.count, text.utf8CodeUnitCount) where bytes[i] != text.utf8Start[i] { return false }
        return true
    }

    // MARK: Version 1

    /// `PROXY TCP4 192.0.2.1 198.51.100.2 56324 443`, or `PROXY UNKNOWN` and whatever follows.
    private static func readLine(_ bytes: UnsafeBufferPointer<UInt8>) -> ProxyHeader {
        guard let end = bytes.prefix(lineBytesMax).firstIndex(of: 0x0a) else {
            return bytes.count < lineBytesMax ? .incomplete : .malformed
        }
        guard bytes[end - 1] == 0x0d else { return .malformed }
        let line = UnsafeBufferPointer(rebasing: bytes[6..<(end - 1)])
        let words = line.split(separator: 0x20, omittingEmptySubsequences: false)
        switch words.first.map({ String(decoding: $0, as: UTF8.self) }) {
        case "UNKNOWN": return .complete(byteCount: end + 1, source: nil)
        case "TCP4", "TCP6":
            let isV6 = words[0].last == 0x36
            guard words.count == 5, var source = PeerAddress(text: UnsafeBufferPointer(rebasing: words[1])),
                let destination = PeerAddress(text: UnsafeBufferPointer(rebasing: words[2])),
                words[1].contains(0x3a) == isV6, words[2].contains(0x3a) == isV6, !destination.isUnix,
                let port = port(words[3]), Self.port(words[4]) != nil
            else { return .malformed }
            source.port = port
            return .complete(byteCount: end + 1, source: source)
        default: return .malformed
        }
    }

    private static func port(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> UInt16? {
        guard (1...5).contains(digits.count), digits.first != 0x30 || digits.count == 1 else { return nil }
        var number = 0
        for digit in digits {
            guard digit &- 0x30 < 10 else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return UInt16(exactly: number)
    }

    // MARK: Version 2

    private static func readBinary(_ bytes: UnsafeBufferPointer<UInt8>) -> ProxyHeader {
        let (version, command, family) = (bytes[12] >> 4, bytes[12] & 15, bytes[13])
        let length = Int(bytes[14]) << 8 | Int(bytes[15])
        guard version == 2, command <= 1, 16 + length <= bytesMax else { return .malformed }
        guard bytes.count >= 16 + length else { return .incomplete }
        let body = UnsafeRawBufferPointer(bytes)[16..<(16 + length)]
        // LOCAL: the proxy's own connection, such as a health check.
        guard command == 1 else { return .complete(byteCount: 16 + length, source: nil) }
        var source = PeerAddress()
        let addressBytes: Int
        switch family {
        case 0x11: addressBytes = 4
        case 0x21: addressBytes = 16
        // UNSPEC, datagrams, Unix sockets: accepted, without an address.
        default: return .complete(byteCount: 16 + length, source: nil)
        }
        guard length >= 2 * addressBytes + 4 else { return .malformed }
        source = PeerAddress(bytes: body.prefix(addressBytes))
        let portAt = body.startIndex + 2 * addressBytes
        source.port = UInt16(body[portAt]) << 8 | UInt16(body[portAt + 1])
        return .complete(byteCount: 16 + length, source: source)
    }
}
