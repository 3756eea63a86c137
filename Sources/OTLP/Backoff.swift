/// How long to wait before the same records are sent again: doubled each time, with jitter, so that many exporters do not come together.
struct Backoff {
    static let firstMilliseconds = 500
    static let lastMilliseconds = 30_000

    private var next = Self.firstMilliseconds

    /// Milliseconds to wait: between half of the step and the whole, and never less than the collector has asked for.
    mutating func wait(atLeast asked: Int, using random: inout some RandomNumberGenerator) -> Int {
        let step = next
        next = min(next * 2, Self.lastMilliseconds)
        return max(asked, Int.random(in: step / 2...step, using: &random))
    }

    mutating func reset() { next = Self.firstMilliseconds }
}
