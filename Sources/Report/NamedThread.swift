import CShim
import Glibc
import Synchronization

/// A thread off the event loops, with a name for `ps -L` and no signals of its own: those belong to the main thread.
/// Whoever lets go of one without having joined it lets it run: its stack is given back when it ends.
public final class NamedThread: Sendable {
    private let thread: UInt
    private let isJoined = Atomic(false)

    /// Nil when the system has no thread to give. The kernel keeps 15 bytes of the name.
    public init?(_ name: String, _ body: @escaping @Sendable () -> Void) {
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)  // inherited by the new thread
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

        var thread: UInt = 0
        let start = unsafe Unmanaged.passRetained(Start(body))
        let status = unsafe so_start_thread(
            name, { unsafe Unmanaged<Start>.fromOpaque($0.unsafelyUnwrapped).takeRetainedValue().body() },
            unsafe start.toOpaque(), &thread)
        guard status == 0 else {
            unsafe start.release()
            return nil
        }
        self.thread = thread
    }

    /// Waits for the end of the thread. Once only.
    public func join() {
        isJoined.store(true, ordering: .relaxed)
        so_join_thread(thread)
    }

    deinit {
        if !isJoined.load(ordering: .relaxed) { so_detach_thread(thread) }
    }

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
