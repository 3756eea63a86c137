import Detector
import Synchronization

/// The last incidents, in memory, in the order of their recording. Safe for any thread.
public final class IncidentRing: Sendable {
    public struct Entry: Sendable {
        /// Place in the order of recording, from 1, without gaps.
        public var sequence: UInt64
        public var incident: Incident
        /// The record, without a newline.
        public var json: [UInt8]
    }

    /// Which incidents one asks for; empty sets ask for all.
    public struct Filter: Sendable {
        public var kinds: Set<Kind>
        public var routes: Set<String>
        public init(kinds: Set<Kind> = [], routes: Set<String> = []) {
            self.kinds = kinds
            self.routes = routes
        }

        public func admits(_ incident: Incident) -> Bool {
            (kinds.isEmpty || kinds.contains(incident.kind)) && (routes.isEmpty || routes.contains(incident.route))
        }
    }

    private struct State {
        var entries: [Entry] = []  // a circle once it is full: the oldest stands where the next will
        var sequence: UInt64 = 0
        var subscribers: [Int: @Sendable () -> Void] = [:]
        var subscriptions = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    public init(capacity: Int = ReportLimit.ringIncidentsMax) { self.capacity = max(1, capacity) }

    public func append(_ incident: Incident, json: [UInt8]) {
        let wakes = state.withLock { state in
            state.sequence += 1
            let entry = Entry(sequence: state.sequence, incident: incident, json: json)
            if state.entries.count < capacity {
                state.entries.append(entry)
            } else {
                state.entries[Int((state.sequence - 1) % UInt64(capacity))] = entry
            }
            return Array(state.subscribers.values)
        }
        for wake in wakes { wake() }
    }

    /// The sequence of the newest entry, 0 when there has been none.
    public var lastSequence: UInt64 { state.withLock { $0.sequence } }

    /// Up to `limit` incidents, oldest first: the first ones after the incident `id`, or without it the newest ones.
    ///
    /// An id that is no longer here (or never was) is compared as text, for ids sort by time.
    public func incidents(after id: String? = nil, filter: Filter = Filter(), limit: Int) -> [Entry] {
        let entries = state.withLock { ordered($0) }
        guard let id else { return Array(entries.filter { filter.admits($0.incident) }.suffix(max(0, limit))) }
        let later: [Entry]
        if let place = entries.firstIndex(where: { $0.incident.id == id }) {
            later = Array(entries[(place + 1)...])
        } else {
            later = entries.filter { $0.incident.id > id }
        }
        return Array(later.filter { filter.admits($0.incident) }.prefix(max(0, limit)))
    }

    /// Up to `limit` incidents after a sequence, whatever their kind, and how many were overwritten before they could be read.
    public func entries(after sequence: UInt64, limit: Int) -> (entries: [Entry], missed: UInt64) {
        state.withLock { state in
            let oldest = state.sequence - UInt64(state.entries.count)  // the last one that is gone
            let start = max(sequence, oldest)
            guard start < state.sequence else { return ([], 0) }
            let count = min(UInt64(max(0, limit)), state.sequence - start)
            let entries = (0..<count).map { state.entries[Int((start + $0) % UInt64(capacity))] }
            return (entries, start - min(start, sequence))
        }
    }

    /// Where reading goes on for someone who saw the incident `id` last.
    public func sequence(ofIncident id: String) -> UInt64 {
        let entries = state.withLock { ordered($0) }
        if let same = entries.first(where: { $0.incident.id == id }) { return same.sequence }
        if let later = entries.first(where: { $0.incident.id > id }) { return later.sequence - 1 }
        return entries.last?.sequence ?? 0
    }

    /// Has `wake` called after each append, on the thread that appends: it must be quick. Nil when there are too many.
    public func subscribe(_ wake: @escaping @Sendable () -> Void) -> Int? {
        state.withLock { state in
            guard state.subscribers.count < ReportLimit.subscribersMax else { return nil }
            state.subscriptions += 1
            state.subscribers[state.subscriptions] = wake
            return state.subscriptions
        }
    }

    public func unsubscribe(_ subscription: Int) {
        state.withLock { _ = $0.subscribers.removeValue(forKey: subscription) }
    }

    private func ordered(_ state: borrowing State) -> [Entry] {
        guard state.entries.count == capacity else { return state.entries }
        let oldest = Int(state.sequence % UInt64(capacity))
        return Array(state.entries[oldest...] + state.entries[..<oldest])
    }
}
