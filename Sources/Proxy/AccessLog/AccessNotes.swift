/// What a worker keeps for the access log: incidents of exchanges in progress, and its lines that wait for others.
struct AccessNotes: ~Copyable {
    private var journal: AccessJournal?
    /// Whether requests are logged at all.
    let isOn: Bool
    /// Ids by exchange, for its line.
    private var incidents: [ExchangeSlot: [String]] = [:]
    /// The id of the incident that is about to be collected.
    private var surplusID: String?

    init(_ journal: consuming AccessJournal?) {
        isOn = journal != nil
        self.journal = journal
    }

    /// An incident of an exchange in progress.
    mutating func note(_ incident: String, of exchange: ExchangeSlot) {
        guard isOn else { return }
        incidents[exchange, default: []].append(incident)
    }

    /// What was noted of an exchange, whose line is written now.
    mutating func takeIncidents(of exchange: ExchangeSlot) -> [String] {
        incidents.isEmpty ? [] : incidents.removeValue(forKey: exchange) ?? []
    }

    /// Bytes after an answer have been seen, and their collection is about to begin.
    mutating func surplusSeen(_ incident: String, of exchange: ExchangeSlot) {
        surplusID = incident
        note(incident, of: exchange)
    }

    /// The id for the collection that has just begun.
    mutating func takeSurplusID() -> String? {
        defer { surplusID = nil }
        return surplusID
    }

    /// Writes a line. True when it is the first that waits: then the others have a deadline.
    mutating func add(_ entry: AccessEntry, incidents: [String]) -> Bool {
        let isFirst = journal?.isEmpty ?? false
        journal?.add(entry, incidents: incidents)
        return isFirst
    }

    /// Gives the lines that wait to the log's writer.
    mutating func handOver() { journal?.handOver() }
}
