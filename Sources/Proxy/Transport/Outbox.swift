import CShim

/// What is about to be sent in one gathered write: runs of bytes that stay where they are until then.
///
/// The marks say which part of a message a run is. A connection of HTTP/1 needs none of them: there the bytes say it all.
struct Outbox: ~Copyable {
    static let runsMax = 16
    /// Bytes for chunk framing written here.
    private static let framingBytes = 64

    let runs: UnsafeMutablePointer<iovec>
    private(set) var count = 0
    private(set) var byteCount = 0
    /// The first run is a header block.
    var beginsWithHead = false
    /// The last run is a trailer section, without its empty line.
    var endsWithTrailers = false
    /// The message ends with these bytes.
    var endsMessage = false
    private let framing: UnsafeMutablePointer<UInt8>
    private var framingUsed = 0

    init() {
        runs = .allocate(capacity: Self.runsMax)
        framing = .allocate(capacity: Self.framingBytes)
    }

    deinit {
        runs.deallocate()
        framing.deallocate()
    }

    @inline(__always)
    mutating func add(_ bytes: UnsafePointer<UInt8>, _ n: Int) {
        guard n > 0 else { return }
        precondition(count < Self.runsMax, "an outbox holds what one read can yield")
        runs[count] = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes), iov_len: n)
        count += 1
        byteCount += n
    }

    mutating func add(_ text: StaticString) { add(text.utf8Start, text.utf8CodeUnitCount) }

    /// A piece of a body as the next hop reads it: in chunks (RFC 9112 section 7.1), or as it is, where a length or the end of a stream or
    /// connection says when it is over. The trailer section comes with the end, for a hop that takes one.
    @inline(__always)
    mutating func addBody(
        _ bytes: UnsafePointer<UInt8>, _ count: Int, inChunks: Bool, ended: Bool, trailers: UnsafeBufferPointer<UInt8>?
    ) {
        guard inChunks else {
            add(bytes, count)
            if let trailers {
                add(trailers.baseAddress.unsafelyUnwrapped, trailers.count)
                endsWithTrailers = true
            }
            return
        }
        if count > 0 {
            addChunkSize(count)
            add(bytes, count)
            add("\r\n")
        }
        if ended {
            add("0\r\n")
            if let trailers { add(trailers.baseAddress.unsafelyUnwrapped, trailers.count) }
            add("\r\n")
        }
    }

    /// A chunk's size line (RFC 9112 section 7.1).
    mutating func addChunkSize(_ size: Int) {
        var digits = (64 - size.leadingZeroBitCount + 3) / 4
        if digits == 0 { digits = 1 }
        precondition(framingUsed + digits + 2 <= Self.framingBytes)
        let p = framing + framingUsed
        for i in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: size >> ((digits - 1 - i) * 4)) & 15
            p[i] = digit < 10 ? 0x30 + digit : 0x57 + digit
        }
        p[digits] = 0x0d
        p[digits + 1] = 0x0a
        framingUsed += digits + 2
        add(p, digits + 2)
    }

    mutating func clear() {
        count = 0
        byteCount = 0
        framingUsed = 0
        beginsWithHead = false
        endsWithTrailers = false
        endsMessage = false
    }

    /// Nothing to send, and no end to mark.
    var isEmpty: Bool { byteCount == 0 && !endsMessage }
}
