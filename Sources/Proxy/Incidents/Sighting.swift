import Detector
import HTTP2

/// What has come from an upstream that no answer accounts for, lent while it is acted on: bytes of a connection, or a frame on one.
struct Sighting {
    enum Content {
        case bytes(UnsafePointer<UInt8>, Int)
        case frame(HTTP2Step)
    }

    /// The connection that it came on.
    let connection: UpstreamSlot
    /// What the exchange is served on that it concerns: that connection, or a stream of it.
    let carrier: UpstreamSlot
    /// Bytes that the connection had received before it.
    let offset: UInt64
    let content: Content

    /// Bytes of a connection.
    init(_ connection: UpstreamSlot, at offset: UInt64, _ bytes: UnsafePointer<UInt8>, _ count: Int) {
        self.connection = connection
        carrier = connection
        self.offset = offset
        content = .bytes(bytes, count)
    }

    /// A frame.
    init(_ connection: UpstreamSlot, _ step: HTTP2Step) {
        self.connection = connection
        carrier = step.upstreamSlot
        offset = step.offset
        content = .frame(step)
    }

    /// More of it may come, for which its connection is kept; a frame is whole.
    var goesOn: Bool {
        if case .bytes = content { true } else { false }
    }
}
