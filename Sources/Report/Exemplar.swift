/// The last trace in which an incident of a series was seen.
struct Exemplar: Sendable {
    var traceID: String
    var timeNanoseconds: UInt64

    /// Nil without a trace id, and for one that does not look like a trace id: it came from a peer.
    init?(traceID: String?, timeNanoseconds: UInt64) {
        guard let traceID, !traceID.isEmpty, traceID.utf8.count <= 64,
            traceID.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 || $0 >= 0x41 && $0 <= 0x46 })
        else { return nil }
        self.traceID = traceID
        self.timeNanoseconds = timeNanoseconds
    }
}
