import CShim
import Configuration
import EventLoop
import Glibc

/// A peer's address in as few bytes as it takes, for the many connections that are idle.
public struct PeerAddress: BitwiseCopyable, Sendable {
    var bytes: (UInt64, UInt64) = (0, 0)
    var port: UInt16 = 0
    /// 4, 16, or 0 for a Unix-domain peer.
    var byteCount: UInt8 = 0

    public var isUnix: Bool { byteCount == 0 }

    public init() {}

    public init(_ storage: sockaddr_storage) {
        let family = Int32(storage.ss_family)
        withUnsafeBytes(of: storage) { raw in
            switch family {
            case AF_INET:
                let address = raw.load(as: sockaddr_in.self)
                withUnsafeMutableBytes(of: &bytes) { $0.storeBytes(of: address.sin_addr.s_addr, as: UInt32.self) }
                port = UInt16(bigEndian: address.sin_port)
                byteCount = 4
            case AF_INET6:
                let address = raw.load(as: sockaddr_in6.self)
                let v6 = withUnsafeBytes(of: address.sin6_addr) { Array($0) }
                port = UInt16(bigEndian: address.sin6_port)
                // An IPv4 client of a dual-stack listener is an IPv4 client.
                let isMapped = v6[0..<10].allSatisfy { $0 == 0 } && v6[10] == 0xff && v6[11] == 0xff
                let significant = isMapped ? Array(v6[12...]) : v6
                byteCount = UInt8(significant.count)
                withUnsafeMutableBytes(of: &bytes) { $0.copyBytes(from: significant) }
            default: break
            }
        }
    }

    func isIn(_ block: AddressBlock) -> Bool {
        guard !isUnix else { return block == .unix }
        guard block.bytes.count == Int(byteCount) else { return false }
        return withUnsafeBytes(of: bytes) { own in
            for i in 0..<block.bytes.count {
                let bits = min(8, max(0, block.prefixBits - i * 8))
                if (own[i] ^ block.bytes[i]) >> UInt8(8 - bits) != 0 { return false }
            }
            return true
        }
    }

    /// Writes the numeric host and returns its length, at most 46 bytes and a zero after them; `unknown` for a Unix-domain peer.
    func writeHost(_ out: UnsafeMutablePointer<UInt8>) -> Int {
        switch byteCount {
        case 4: return writeIPv4(out)
        case 16:
            return withUnsafeBytes(of: bytes) { bytes in
                out.withMemoryRebound(to: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { out in
                    inet_ntop(AF_INET6, bytes.baseAddress, out, socklen_t(INET6_ADDRSTRLEN))
                    return strlen(out)
                }
            }
        default:
            let unknown: StaticString = "unknown"
            out.update(from: unknown.utf8Start, count: unknown.utf8CodeUnitCount)
            return unknown.utf8CodeUnitCount
        }
    }

    private func writeIPv4(_ out: UnsafeMutablePointer<UInt8>) -> Int {
        var n = 0
        var rest = UInt32(truncatingIfNeeded: bytes.0)
        for i in 0..<4 {
            let octet = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
            if i > 0 { out[n] = 0x2e; n += 1 }
            if octet >= 100 { out[n] = 0x30 + octet / 100; n += 1 }
            if octet >= 10 { out[n] = 0x30 + octet / 10 % 10; n += 1 }
            out[n] = 0x30 + octet % 10
            n += 1
        }
        return n
    }

    /// `host:port`, `[v6]:port`, the host alone when the port is not known, or `unix`.
    var text: String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { space in
            var out = ByteWriter(space.baseAddress!)
            out.putAddress(self)
            return String(decoding: UnsafeBufferPointer(start: space.baseAddress, count: out.count), as: UTF8.self)
        }
    }
}
