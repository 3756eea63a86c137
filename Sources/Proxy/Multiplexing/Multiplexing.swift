import HTTP2

/// The worker's HTTP/2 connections, of both sides: who they are, and which of them have frames to send when a turn ends, so that one
/// write carries many.
///
///     unmarked ──mark──▶ marked ──next──▶ unmarked
///         └───────── remove ──┴──▶ gone
///
/// One is marked once however often it is asked for, and comes up in the order of the marks.
struct Multiplexing: ~Copyable {
    /// Bytes of frames that one write carries at the most.
    static let frameBytesMax = 64 << 10

    /// The frames of one write.
    let frames: UnsafeMutablePointer<UInt8>
    /// For its sessions.
    let spare = HeaderSpare()
    private var places: [SharedConnection?] = []
    private var free: [Int32] = []
    private var marked: [Int32] = []
    private var spent = 0

    init() { frames = .allocate(capacity: Self.frameBytesMax) }

    deinit {
        frames.deallocate()
        spare.deallocate()
    }

    subscript(_ index: Int32) -> SharedConnection { places[Int(index)]! }

    /// Takes a connection in, and gives it the index that it is known by.
    mutating func add(_ shared: SharedConnection) -> Int32 {
        if let index = free.popLast() {
            places[Int(index)] = shared
            return index
        }
        places.append(shared)
        return Int32(places.count - 1)
    }

    /// The connection is over; its mark goes with it.
    mutating func remove(_ index: Int32) {
        places[Int(index)] = nil
        free.append(index)
    }

    /// The connection has, or may have, frames to send.
    mutating func mark(_ index: Int32) {
        let shared = self[index]
        guard !shared.isMarked else { return }
        shared.isMarked = true
        marked.append(index)
    }

    var hasMarks: Bool { !marked.isEmpty }

    /// The next connection to send frames; nil when there is none left, also of those that were marked meanwhile.
    mutating func next() -> ConnectionSlot? {
        while spent < marked.count {
            let shared = places[Int(marked[spent])]
            spent += 1
            guard let shared, shared.isMarked else { continue }
            shared.isMarked = false
            return shared.connection
        }
        marked.removeAll(keepingCapacity: true)
        spent = 0
        return nil
    }
}
