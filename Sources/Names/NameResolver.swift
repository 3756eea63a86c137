import CCares
import EventLoop
import Glibc

/// Looks names up as the system is configured (hosts file, nameservers), and says how long an answer may be relied on.
///
/// Does no I/O of its own accord: its owner polls its descriptors. Belongs to one thread.
@safe public final class NameResolver: NameLookups {
    public enum Outcome {
        case found([SocketAddress], seconds: Int)
        case failed(String)
    }

    /// How long one nameserver is given, and how often each is asked.
    private static let timeoutMilliseconds: Int32 = 2000
    private static let tries: Int32 = 2
    /// Addresses of one name that are used.
    public static let addressesMax = 16

    private var channel: ares_channel?
    private var answers: [(key: Int, outcome: Outcome)] = []
    private var asking = 0

    /// One question, from asking to its answer.
    private final class Question {
        let resolver: NameResolver
        let key: Int
        let port: UInt16

        init(_ resolver: NameResolver, _ key: Int, _ port: UInt16) {
            self.resolver = resolver
            self.key = key
            self.port = port
        }
    }

    /// Names of nameservers that are asked instead of the system's: `host:port,...`.
    public static let variable = "SENDONCE_NAMESERVERS"

    /// Asks the system's nameservers, or those that the environment names. Nil when there is nobody to ask.
    public convenience init?() { unsafe self.init(nameservers: getenv(Self.variable).map { unsafe String(cString: $0) }) }

    public init?(nameservers: String?) {
        guard ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS else { return nil }
        var options = unsafe ares_options()
        unsafe options.timeout = Self.timeoutMilliseconds
        unsafe options.tries = Self.tries
        guard unsafe ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) == ARES_SUCCESS else {
            return nil
        }
        if let nameservers, unsafe ares_set_servers_ports_csv(channel, nameservers) != ARES_SUCCESS { return nil }
    }

    deinit { if let channel = unsafe channel { unsafe ares_destroy(channel) } }

    /// Begins to look a name up. The answer comes with `take`, under the key.
    public func ask(_ host: String, port: UInt16, key: Int) {
        var hints = ares_addrinfo_hints()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        asking += 1
        let question = unsafe Unmanaged.passRetained(Question(self, key, port))
        unsafe ares_getaddrinfo(
            channel, host, nil, &hints,
            { argument, status, _, result in
                let question = unsafe Unmanaged<Question>.fromOpaque(argument!).takeRetainedValue()
                defer { if let result = unsafe result { unsafe ares_freeaddrinfo(result) } }
                unsafe question.resolver.answered(question.key, NameResolver.outcome(status, result, port: question.port))
            }, unsafe question.toOpaque())
    }

    private func answered(_ key: Int, _ outcome: Outcome) {
        asking -= 1
        answers.append((key, outcome))
    }

    private static func outcome(_ status: Int32, _ result: UnsafeMutablePointer<ares_addrinfo>?, port: UInt16) -> Outcome {
        guard status == ARES_SUCCESS else { return unsafe .failed(String(cString: ares_strerror(status)).lowercased()) }
        var addresses: [SocketAddress] = []
        var seconds = Int.max
        var node = unsafe result?.pointee.nodes
        while let at = unsafe node, addresses.count < addressesMax {
            unsafe node = unsafe at.pointee.ai_next
            guard let address = unsafe at.pointee.ai_addr,
                unsafe at.pointee.ai_family == AF_INET || at.pointee.ai_family == AF_INET6
            else {
                continue
            }
            var storage = sockaddr_storage()
            unsafe memcpy(&storage, address, Int(at.pointee.ai_addrlen))
            addresses.append(SocketAddress(storage).with(port: port))
            seconds = unsafe min(seconds, Int(at.pointee.ai_ttl))
        }
        return addresses.isEmpty ? .failed("the name has no address") : .found(addresses, seconds: max(seconds, 0))
    }

    /// The answers that have come since the last time.
    public func take() -> [(key: Int, outcome: Outcome)] {
        defer { answers = [] }
        return answers
    }

    public var isAsking: Bool { asking > 0 }

    // MARK: Polling

    /// The descriptors to poll, for as long as it is asking.
    public var descriptors: [pollfd] {
        var sockets = [ares_socket_t](repeating: -1, count: Int(ARES_GETSOCK_MAXNUM))
        let bits = unsafe UInt32(bitPattern: ares_getsock(channel, &sockets, ARES_GETSOCK_MAXNUM))
        return sockets.indices.compactMap { place in
            let reads = bits & 1 << UInt32(place) != 0
            let writes = bits & 1 << UInt32(place + 16) != 0
            guard reads || writes else { return nil }
            return pollfd(fd: sockets[place], events: Int16((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), revents: 0)
        }
    }

    /// Milliseconds after which it has to be attended to, whatever its descriptors do; nil for never.
    public var milliseconds: Int? {
        guard isAsking else { return nil }
        var time = timeval()
        guard unsafe ares_timeout(channel, nil, &time) != nil else { return nil }
        return time.tv_sec * 1000 + Int(time.tv_usec) / 1000 + 1
    }

    /// Attends to descriptors that have been polled, and to time that has passed.
    public func attend(_ polled: ArraySlice<pollfd>) {
        for one in polled where one.revents != 0 {
            let writes = one.revents & Int16(POLLOUT) != 0
            let reads = one.revents & ~Int16(POLLOUT) != 0
            unsafe ares_process_fd(channel, reads ? one.fd : -1, writes ? one.fd : -1)
        }
        unsafe ares_process_fd(channel, -1, -1)
    }

    /// A question keeps its resolver until it is answered, which without a poll it never is.
    public func cancel() { unsafe ares_cancel(channel) }

    /// Looks one name up and waits for that.
    public func lookUp(_ host: String, port: UInt16) -> Outcome {
        ask(host, port: port, key: 0)
        while true {
            if let answer = take().first { return answer.outcome }
            var polled = descriptors
            unsafe poll(&polled, nfds_t(polled.count), Int32(clamping: milliseconds ?? 1000))
            attend(polled[...])
        }
    }
}
