import Glibc

/// A program that the gate has started.
public final class ChildProcess {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public let pid: pid_t
    private let hasGroup: Bool
    /// Set when it has ended: its status, or 128 and the number of the signal that ended it.
    public private(set) var status: Int32?

    /// `ownGroup`: in a process group of its own, with nothing on standard input and its output on standard error.
    public init(_ arguments: [String], environment: [String: String], ownGroup: Bool) throws(Failure) {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What the gate itself blocks and ignores is no business of its children; what it was started with is theirs, too.
        var none = sigset_t()
        sigemptyset(&none)
        var ignored = sigset_t()
        sigemptyset(&ignored)
        sigaddset(&ignored, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        if ownGroup { flags |= POSIX_SPAWN_SETPGROUP }
        posix_spawnattr_setflags(&attributes, Int16(flags))
        posix_spawnattr_setpgroup(&attributes, 0)
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        if ownGroup {
            posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO)
        }
        var pid: pid_t = 0
        let result = Self.withPointers(arguments) { arguments in
            Self.withPointers(environment.map { "\($0.key)=\($0.value)" }) { environment in
                posix_spawnp(&pid, arguments[0]!, &files, &attributes, arguments, environment)
            }
        }
        guard result == 0 else { throw Failure(description: "\(arguments[0]): \(String(cString: strerror(result)))") }
        self.pid = pid
        hasGroup = ownGroup
    }

    /// Whether it has ended.
    public func hasEnded() -> Bool {
        guard status == nil else { return true }
        var raw: Int32 = 0
        guard waitpid(pid, &raw, WNOHANG) == pid else { return false }
        let signal = raw & 0x7F
        status = signal == 0 ? (raw >> 8) & 0xFF : 128 + signal
        return true
    }

    public func send(_ signal: Int32) {
        guard status == nil || hasGroup else { return }
        kill(hasGroup ? -pid : pid, signal)
    }

    /// Ends the whole group: asks, and after some seconds does not ask any more.
    public func endGroup() {
        send(SIGTERM)
        for _ in 0..<Self.patienceLooks where !isGone() { usleep(20_000) }
        send(SIGKILL)
        for _ in 0..<Self.patienceLooks where !isGone() { usleep(20_000) }
    }

    private static let patienceLooks = 250

    /// Nobody is left of the group.
    private func isGone() -> Bool {
        _ = hasEnded()
        return kill(-pid, 0) != 0 && errno == ESRCH
    }

    private static func withPointers<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        defer { pointers.forEach { free($0) } }
        pointers.append(nil)
        return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }
}
