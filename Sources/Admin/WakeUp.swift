import CShim
import Synchronization

/// Wakes the endpoint's thread from any other. Many calls before it looks cost one write.
final class WakeUp: Sendable {
    let descriptor: Int32
    private let isPending = Atomic(false)
    private let isStopping = Atomic(false)
    private let keepsFile = Atomic(false)

    init?() {
        descriptor = so_eventfd()
        guard descriptor >= 0 else { return nil }
    }

    deinit { so_close(descriptor) }

    var isStopAsked: Bool { isStopping.load(ordering: .acquiring) }

    /// Whether the socket's file goes with it.
    var removesFile: Bool { !keepsFile.load(ordering: .acquiring) }

    func stop(removingFile: Bool = true) {
        keepsFile.store(!removingFile, ordering: .releasing)
        isStopping.store(true, ordering: .releasing)
        wake()
    }

    func wake() {
        guard !isPending.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var one: UInt64 = 1
        unsafe so_write(descriptor, &one, 8)
    }

    /// To be called before looking for what has changed.
    func clear() {
        var count: UInt64 = 0
        unsafe so_read(descriptor, &count, 8)
        isPending.store(false, ordering: .sequentiallyConsistent)
    }
}
