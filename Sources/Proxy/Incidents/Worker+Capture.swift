import Capture
import EventLoop
import Report

/// `incidents.capture`: what travels on connections to upstreams is kept for a while, so that an incident's can be written down.
///
/// HTTP/1 only. Where nothing is captured, all of it is one flag that is not set.
extension Worker {
    /// Records an incident, and names the capture of its connection.
    mutating func record(_ incident: Incident) {
        var incident = incident
        if isTaping { tapes?.capture(&incident) }
        world.recorder.record(incident)
    }

    /// A connection to an upstream begins.
    mutating func beginTape(_ fd: Int32, connection: UInt64, isHTTP2: Bool) {
        if !isHTTP2 { tapes?.begin(fd, connection: connection) }
    }

    /// What is about to be sent.
    mutating func tapeOutbox(_ socket: UnsafeMutablePointer<Socket>) {
        guard outbox.byteCount > 0, !socket.pointee.isBroken else { return }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(outbox.byteCount)
        for index in 0..<outbox.count {
            let run = outbox.runs[index]
            bytes.append(contentsOf: UnsafeRawBufferPointer(start: run.iov_base, count: run.iov_len))
        }
        tapes?.sent(socket.pointee.fd, bytes, at: now)
    }

    /// What has been read behind the `held` bytes, and whether the connection's end came with it.
    mutating func tapeRead(_ socket: UnsafeMutablePointer<Socket>, _ held: Int, _ count: Int) {
        let bytes = UnsafeBufferPointer(start: readBuffer + held, count: count - held)
        // A session that broke is told as an end: a trace has no word for TLS.
        let isReset = socket.pointee.isBroken && socket.pointee.security == .none
        let hasEnded = socket.pointee.sawEnd || socket.pointee.isBroken
        tapes?.received(socket.pointee.fd, bytes, hasEnded: hasEnded, isReset: isReset, at: now)
    }
}
