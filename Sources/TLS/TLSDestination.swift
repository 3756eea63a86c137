import CTLS
import Glibc

/// One server name that sessions are opened to. The latest session is remembered, and the next one resumes it.
@safe public final class TLSDestination: @unchecked Sendable {
    private let settings: TLSSettings
    private let resumption: OpaquePointer
    /// Without the brackets of an IPv6 address.
    public let host: String
    /// A literal address: it is not sent as SNI (RFC 6066 section 3), and looked for among the certificate's addresses.
    public let isAddress: Bool

    init(_ settings: TLSSettings, _ host: String) throws(TLSError) {
        var name = host[...]
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        if name.hasSuffix(".") { name = name.dropLast() }
        guard !name.isEmpty, name.utf8.count <= 253, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw TLSError(nil, "'\(host)' is not a host name that a certificate can be for")
        }
        guard let resumption = unsafe so_tls_resumption_new() else {
            throw TLSError(nil, "out of memory for a TLS destination")
        }
        self.settings = settings
        unsafe self.resumption = unsafe resumption
        self.host = String(name)
        var address = in6_addr()
        isAddress = unsafe inet_pton(AF_INET, self.host, &address) == 1 || inet_pton(AF_INET6, self.host, &address) == 1
    }

    deinit { unsafe so_tls_resumption_release(resumption) }

    /// Begin it with `start`. nil without memory.
    public func makeSession(_ port: borrowing TLSPort) -> TLSSession? {
        unsafe so_tls_connecting(settings.pointer, port.pointer, resumption, host, isAddress ? 1 : 0).map {
            unsafe TLSSession(ssl: $0)
        }
    }
}
