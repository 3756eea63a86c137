import Records

/// All that was found, by group, in the order in which it was found first.
public struct Findings: Sendable {
    /// More groups than these are not kept apart: whoever has so many has other cares.
    static let groupsMax = 5000

    public private(set) var list: [Finding] = []
    /// Groups of the baseline that were not found.
    public internal(set) var gone: [Baseline.Entry] = []

    /// What the proxy and the probe wrote. The probe's places are those of the proxy's incident with the same request, too.
    public init(_ records: [Record]) {
        var places: [String: (SourcePlace?, SourcePlace?)] = [:]
        for record in records {
            guard let id = record.text("request.id"), record.secondSend != nil else { continue }
            places[id] = (record.firstSend, record.secondSend)
        }
        var index: [String: Int] = [:]
        for record in records {
            let at: Int
            if let found = index[record.group] {
                at = found
                list[at].count += record.count
            } else {
                guard list.count < Self.groupsMax else { continue }
                at = list.count
                index[record.group] = at
                list.append(Finding(record))
            }
            guard list[at].secondSend == nil else { continue }
            let joined = record.text("request.id").flatMap { places[$0] }
            list[at].firstSend = record.firstSend ?? joined?.0
            list[at].secondSend = record.secondSend ?? joined?.1
        }
    }

    /// Judges each finding.
    public mutating func judge(_ rules: Rules) {
        for index in list.indices { list[index].state = rules.state(of: list[index]) }
        let found = Set(list.map(\.group))
        gone = rules.baseline.filter { !found.contains($0.group) }
    }

    public var closesGate: Bool { list.contains { $0.state == .new } }

    func count(_ state: Finding.State) -> Int { list.count { $0.state == state } }
}
