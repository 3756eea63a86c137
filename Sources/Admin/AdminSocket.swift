import CShim
import Glibc

/// The listening socket of the endpoint.
struct AdminSocket {
    /// It could not be opened, in the system's words.
    struct Failure: Error, CustomStringConvertible {
        var address: String
        var reason: String
        var description: String { "cannot listen on \(address): \(reason)" }
    }

    let descriptor: Int32
    /// The address really bound: port 0 has become a port.
    let address: String
    /// To be removed at the end.
    private let unixPath: String?

    /// Listens on `host:port`, `[v6]:port`, `:port` (every address) or `unix:/path`; or goes on with a socket that listens there.
    init(_ text: String, inherited: Int32? = nil) throws(Failure) {
        if let inherited {
            descriptor = inherited
            unixPath = text.hasPrefix("unix:") ? String(text.dropFirst(5)) : nil
            address = unixPath.map { "unix:" + $0 } ?? Self.boundAddress(inherited)
            return
        }
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            var storage = sockaddr_storage()
            guard !path.isEmpty, unsafe so_unix_address(path, &storage) > 0 else {
                throw Failure(address: text, reason: "not a path that a socket can have")
            }
            Self.removeStale(path, &storage)
            descriptor = try Self.listen(&storage, text)
            unsafe chmod(path, 0o660)
            unixPath = path
        } else {
            var storage = try Self.resolve(text)
            descriptor = try Self.listen(&storage, text)
            unixPath = nil
        }
        address = unixPath.map { "unix:" + $0 } ?? Self.boundAddress(descriptor)
    }

    func close(removingFile: Bool = true) {
        so_close(descriptor)
        if removingFile, let unixPath { unsafe unlink(unixPath) }
    }

    private static func listen(_ storage: inout sockaddr_storage, _ text: String) throws(Failure) -> Int32 {
        let descriptor = so_socket(Int32(storage.ss_family))
        guard descriptor >= 0 else { throw Failure(address: text, reason: reason(descriptor)) }
        if Int32(storage.ss_family) != AF_UNIX { so_set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) }
        var result = unsafe so_bind(descriptor, &storage, so_address_length(&storage))
        if result >= 0 { result = so_listen(descriptor, 64) }
        guard result >= 0 else {
            so_close(descriptor)
            throw Failure(address: text, reason: reason(result))
        }
        return descriptor
    }

    /// A socket's file outlives its process; only one on which nobody listens any more is removed.
    private static func removeStale(_ path: String, _ storage: inout sockaddr_storage) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = so_socket(AF_UNIX)
        guard probe >= 0 else { return }
        if unsafe so_connect(probe, &storage, so_address_length(&storage)) == -ECONNREFUSED { unsafe unlink(path) }
        so_close(probe)
    }

    private static func resolve(_ text: String) throws(Failure) -> sockaddr_storage {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), let port = UInt16(text[text.index(after: colon)...])
        else {
            throw Failure(address: text, reason: "not host:port, [v6]:port, :port or unix:/path")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = host.isEmpty ? AF_INET : AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE
        var found: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host.isEmpty ? nil : host, String(port), &hints, &found)
        defer { if let found = unsafe found { unsafe freeaddrinfo(found) } }
        guard status == 0, let first = unsafe found?.pointee, let address = unsafe first.ai_addr else {
            throw unsafe Failure(address: text, reason: String(cString: gai_strerror(status)))
        }
        var storage = sockaddr_storage()
        let bytes = unsafe UnsafeRawBufferPointer(start: address, count: Int(first.ai_addrlen))
        unsafe withUnsafeMutableBytes(of: &storage) { unsafe $0.copyMemory(from: bytes) }
        return storage
    }

    private static func boundAddress(_ descriptor: Int32) -> String {
        var storage = sockaddr_storage()
        unsafe so_local_address(descriptor, &storage)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { text in
            let count = unsafe so_format_address(&storage, text.baseAddress, 128)
            return unsafe String(decoding: UnsafeRawBufferPointer(start: text.baseAddress, count: Int(count)), as: UTF8.self)
        }
    }

    private static func reason(_ result: Int32) -> String { unsafe String(cString: strerror(-result)) }
}
