import HTTP2

/// Requests on streams whose answers their client has next to no room for.
///
/// A client says by its windows how much of an answer it takes (RFC 9113 section 5.2). Who keeps those of many streams shut would have
/// servers make as many answers that go nowhere, and hold as many places meanwhile. So only `Plan.Limits.narrowStreams` such requests of a
/// connection look for a server; the others wait until there is room for their answers, or one of these is over.
extension Worker {
    /// Frames have come, or a stream is over: who has waited for that looks for a server in its own turn, the oldest first.
    mutating func callForRoom(_ connection: ClientSlot) {
        let shared = multiplexing[clients[connection].pointee.sharedIndex]
        var room = plan.limits.narrowStreams - narrowStreams(shared)
        var stream = shared.clientStreams.last
        while stream.exists {
            let s = clients[stream]
            let isNarrow = shared.session.isNarrow(s.pointee.stream)
            if s.pointee.awaitsRoom, !isNarrow || room > 0 {
                if isNarrow { room -= 1 }
                s.pointee.awaitsRoom = false
                shared.awaitingRoom -= 1
                s.pointee.needsUpstream = true
                queueClient(stream)
            }
            stream = s.pointee.previous
        }
    }

    /// Streams without room whose requests are with a server, or look for one.
    func narrowStreams(_ shared: SharedConnection) -> Int {
        var count = 0
        var stream = shared.clientStreams.first
        while stream.exists {
            let s = clients[stream]
            if s.pointee.exchange.exists, !s.pointee.awaitsRoom, shared.session.isNarrow(s.pointee.stream) { count += 1 }
            stream = s.pointee.next
        }
        return count
    }
}
