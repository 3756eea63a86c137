/// Exchanges that wait for a connection, the longest waiting first.
struct WaitQueue: BitwiseCopyable {
    var first = ExchangeSlot.none
    var last = ExchangeSlot.none
    var count = 0
    /// Of them, those that have been called and look for a connection in their own turn.
    var called = 0
    /// When it was last looked for places that could be given up to them.
    var stillLookedAt: UInt64 = 0
}
