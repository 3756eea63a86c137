/// What one thread waits for.
struct SimulatedPoll {
    var ready = ReadyList()
    /// When its last wait was to end at the latest.
    var deadline = UInt64.max
    /// Nothing has happened for it since its last wait, or it has ended: time may pass.
    var isWaiting = false
}
