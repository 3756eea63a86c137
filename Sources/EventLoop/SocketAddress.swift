import CShim

/// A socket's address as the kernel takes it: IPv4, IPv6 or a Unix-domain path.
public struct SocketAddress: @unchecked Sendable {
    public var storage: sockaddr_storage

    public init(_ storage: sockaddr_storage) { self.storage = storage }

    /// A Unix-domain address; nil when the path is longer than the kernel takes.
    public init?(unixPath: String) {
        storage = sockaddr_storage()
        guard unsafe so_unix_address(unixPath, &storage) > 0 else { return nil }
    }

    /// The same address with another port; a Unix-domain address has none.
    public func with(port: UInt16) -> SocketAddress {
        var other = self
        unsafe withUnsafeMutableBytes(of: &other.storage) { bytes in
            // Port and family stand in the same places for IPv4 and IPv6.
            guard !isUnix else { return }
            unsafe bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        }
        return other
    }

    public var length: socklen_t {
        var copy = storage
        return unsafe so_address_length(&copy)
    }

    public var isUnix: Bool { Int32(storage.ss_family) == AF_UNIX }

    /// 127.0.0.0/8, ::1 (RFC 4291 section 2.5.3), or the former in the form of the latter's family.
    public var isLoopback: Bool {
        unsafe withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            // `sin_addr` stands after family and port, `sin6_addr` after four more bytes of flow label.
            case AF_INET: return unsafe bytes[4] == 127
            case AF_INET6:
                let host = unsafe bytes[8..<24]
                if unsafe host.dropLast().allSatisfy({ $0 == 0 }) { return unsafe host.last == 1 }
                return unsafe host.prefix(12).elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) && host[20] == 127
            default: return false
            }
        }
    }

    /// `host:port`, `[v6]:port` or `unix:/path`, numeric.
    public var description: String { unsafe format { unsafe so_format_address($0, $1, $2) } }

    /// The numeric host alone; `unknown` for Unix-domain peers.
    public var host: String { unsafe format { unsafe so_format_host($0, $1, $2) } }

    private func format(_ write: (UnsafePointer<sockaddr_storage>, UnsafeMutablePointer<CChar>, Int32) -> Int32) -> String {
        var copy = storage
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            let count = unsafe write(&copy, text.baseAddress!, 256)
            return unsafe String(decoding: UnsafeRawBufferPointer(start: text.baseAddress, count: Int(count)), as: UTF8.self)
        }
    }
}
