/// Memory for the header block and the trailer section that are being written to a client or an upstream: good until the outbox leaves.
struct HeadScratch: ~Copyable {
    let head: UnsafeMutablePointer<UInt8>
    /// A trailer section may be passed on together with its header block.
    let trailers: UnsafeMutablePointer<UInt8>

    /// - Parameter capacity: bytes of the largest header block, with all that is added to it.
    init(capacity: Int) {
        head = .allocate(capacity: capacity)
        trailers = .allocate(capacity: capacity)
    }

    deinit {
        head.deallocate()
        trailers.deallocate()
    }
}
