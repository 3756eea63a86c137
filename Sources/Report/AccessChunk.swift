/// Whole lines of the access log on their way from a worker to the disk. Owned by whoever has it; memory comes and goes with `AccessLog`.
@safe public struct AccessChunk: @unchecked Sendable {
    public let base: UnsafeMutablePointer<UInt8>
    /// Bytes that lines take, and how many there are.
    public var count = 0
    public var lines = 0

    init() { unsafe base = .allocate(capacity: ReportLimit.accessChunkBytesMax) }

    func free() { unsafe base.deallocate() }
}
