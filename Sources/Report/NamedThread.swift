import Glibc

/// A thread off the event loops, with a name for `ps -L` and no signals of its own: those belong to the main thread.
public final class NamedThread: @unchecked Sendable {
    private let thread: pthread_t

    /// Nil when the system has no thread to give.
    public init?(_ name: String, _ body: @escaping @Sendable () -> Void) {
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)  // inherited by the new thread
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

        var thread = pthread_t()
        let start = Unmanaged.passRetained(
            Start {
                Self.take(name)
                body()
            })
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Start>.fromOpaque(argument.unsafelyUnwrapped).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard status == 0 else {
            start.release()
            return nil
        }
        self.thread = thread
    }

    /// Waits for the end of the thread. Once only.
    public func join() { pthread_join(thread, nil) }

    /// Names the calling thread; only for the eyes of an operator, so a failure does not matter.
    private static func take(_ name: String) {
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        _ = write(file, name, name.utf8.count)
        close(file)
    }

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
