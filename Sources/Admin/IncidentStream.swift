import Report

/// One follower of the incidents: where it stands in the ring and what it wants to see.
struct IncidentStream {
    var sequence: UInt64
    var filter: IncidentRing.Filter

    /// The next events, as long as their bytes stay below `bytesMax`, and how many incidents were lost before.
    mutating func events(from ring: IncidentRing, bytesMax: Int) -> (bytes: [UInt8], missed: UInt64) {
        var bytes: [UInt8] = []
        var missed: UInt64 = 0
        while bytes.count < bytesMax {
            let batch = ring.entries(after: sequence, limit: 16)
            missed += batch.missed
            guard let last = batch.entries.last else { break }
            for entry in batch.entries where filter.admits(entry.incident) {
                bytes.append(contentsOf: "id: \(entry.incident.id)\nevent: incident\ndata: ".utf8)
                bytes.append(contentsOf: entry.json)  // a single line
                bytes.append(contentsOf: "\n\n".utf8)
            }
            sequence = last.sequence
        }
        return (bytes, missed)
    }
}
