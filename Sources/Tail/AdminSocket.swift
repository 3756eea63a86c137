import CShim
import Configuration
import Glibc
import Records

/// One connection to an admin endpoint: a request, and its answer as it comes.
final class AdminSocket {
    private static let patienceMilliseconds: Int32 = 5000

    let descriptor: Int32
    private var received: [UInt8] = []
    private var hasHead = false

    /// Connects and asks. Blocks, for some seconds at most.
    init(_ place: AdminAddress, path: String) throws(SourceFault) {
        descriptor = try Self.connected(place)
        let request =
            "GET \(place.prefix)\(path) HTTP/1.1\r\nHost: \(place.host)\r\nAccept: text/event-stream, application/json\r\n"
            + "User-Agent: sendonce-tail\r\nConnection: close\r\n\r\n"
        let bytes = Array(request.utf8)
        guard so_send(descriptor, bytes, bytes.count) == bytes.count else {
            throw SourceFault(place.text, "the connection broke")
        }
    }

    deinit { _ = so_close(descriptor) }

    /// Bytes of the answer's body that have come; nil at its end. Blocks only with `patient`, for some seconds.
    func read(_ place: AdminAddress, patient: Bool = false) throws(SourceFault) -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        if patient {
            var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&waited, 1, Self.patienceMilliseconds) > 0 else { throw SourceFault(place.text, "no answer") }
        }
        let count = so_recv(descriptor, &chunk, chunk.count, 0)
        if count == -Int(EAGAIN) || count == -Int(EINTR) { return [] }
        guard count > 0 else {
            if !hasHead { throw SourceFault(place.text, "the connection broke") }
            return nil
        }
        guard !hasHead else { return Array(chunk[..<count]) }
        received += chunk[..<count]
        return try head(place)
    }

    private func head(_ place: AdminAddress) throws(SourceFault) -> [UInt8] {
        let text = String(decoding: received, as: UTF8.self)
        guard let end = Self.endOfHead(received) else {
            guard received.count < 64 << 10, "HTTP/1.".hasPrefix(text.prefix(7)) || text.hasPrefix("HTTP/1.") else {
                throw SourceFault(place.text, "what answers there is no admin endpoint")
            }
            return []
        }
        let status = text.prefix { !$0.isNewline }.split(separator: " ").dropFirst().first ?? ""
        guard status == "200" else {
            let body = String(decoding: received[end...], as: UTF8.self)
            throw SourceFault(
                place.text, "answers \(Printable.text(String(status))) \(Printable.text(body.filter { !$0.isNewline }))")
        }
        hasHead = true
        return Array(received[end...])
    }

    private static func endOfHead(_ bytes: [UInt8]) -> Int? {
        bytes.indices.dropLast(3).first { bytes[$0...].starts(with: "\r\n\r\n".utf8) }.map { $0 + 4 }
    }

    private static func connected(_ place: AdminAddress) throws(SourceFault) -> Int32 {
        var failure = ECONNREFUSED
        for target in try addresses(of: place) {
            let descriptor = so_socket(Int32(target.ss_family))
            guard descriptor >= 0 else { throw SourceFault(place.text, errno: -descriptor) }
            var target = target
            var result = -so_connect(descriptor, &target, so_address_length(&target))
            if result == EINPROGRESS {
                var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                result = poll(&waited, 1, patienceMilliseconds) > 0 ? so_take_error(descriptor) : ETIMEDOUT
            }
            if result == 0 { return descriptor }
            failure = result
            _ = so_close(descriptor)
        }
        throw SourceFault(place.text, errno: failure)
    }

    private static func addresses(of place: AdminAddress) throws(SourceFault) -> [sockaddr_storage] {
        switch place.address {
        case .unix(let path):
            var storage = sockaddr_storage()
            guard so_unix_address(path, &storage) >= 0 else { throw SourceFault(place.text, errno: ENAMETOOLONG) }
            return [storage]
        case .tcp(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var list: UnsafeMutablePointer<addrinfo>?
            let status = getaddrinfo(host.isEmpty ? "localhost" : host, "\(port)", &hints, &list)
            guard status == 0 else { throw SourceFault(place.text, String(cString: gai_strerror(status))) }
            defer { freeaddrinfo(list) }
            return sequence(first: list, next: { $0?.pointee.ai_next }).prefix { $0 != nil }.compactMap { entry in
                guard let info = entry?.pointee, let address = info.ai_addr else { return nil }
                var storage = sockaddr_storage()
                withUnsafeMutableBytes(of: &storage) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min($0.count, Int(info.ai_addrlen))))
                }
                return storage
            }
        }
    }
}
