import CShim
import Glibc
import Records

/// `sendonce tail`: reads records from where they are, and shows those that were asked for.
public struct Tail {
    /// Why it ended.
    public enum Outcome: Equatable, Sendable {
        case done
        /// The time was over, and fewer records had been shown than were waited for.
        case tooFew(shown: Int)
    }

    /// Records that are shown of the past when they are followed by those to come.
    public static let pastDefault = 10
    private static let lookNanoseconds: UInt64 = 100_000_000

    private let request: Request
    private let follows: Bool
    private let notice: (String) -> Void
    private let sources: [any Source]
    private var display: Display
    private let deadline: UInt64?
    private var shown = 0
    /// Lines that were no records.
    public private(set) var passedOver = 0

    public static var wallClock: Instant { Instant(microseconds: Int64(so_realtime_ns() / 1000)) }

    /// Opens the sources. `notice` is for what an operator should know beside the records.
    public init(_ request: Request, notice: @escaping (String) -> Void) throws {
        self.request = request
        self.notice = notice
        deadline = request.timeoutMilliseconds.map { so_monotonic_ns() + UInt64($0) * 1_000_000 }
        display = Display(request)
        let plan = try SourcePlan(request, now: Self.wallClock)
        follows = plan.follows
        sources = try plan.open(notice: notice)
    }

    /// Shows records until there are no more, or as many as were wanted, or the time is over, or nobody reads.
    public mutating func run() throws -> Outcome {
        let signals = so_signalfd([SIGINT, SIGTERM], 2, 1)
        defer { _ = so_close(signals) }
        do {
            try showPast()
            while !isDone {
                try display.draw(now: so_monotonic_ns())
                guard try wait(signals) else { break }
            }
            try display.end()
        } catch is Output.Gone {
            return .done
        }
        if isOver, let wanted = request.exitAfter, shown < wanted { return .tooFew(shown: shown) }
        return .done
    }

    private var isOver: Bool { deadline.map { so_monotonic_ns() >= $0 } ?? false }
    private var hasShownAll: Bool { request.exitAfter.map { shown >= $0 } ?? false }

    private var isDone: Bool {
        if hasShownAll || isOver { return true }
        if let until = request.filter.until, follows, Self.wallClock > until { return true }
        return sources.allSatisfy(\.isEnded)
    }

    // MARK: The past

    /// Shows what is there already, merged by time.
    private mutating func showPast() throws {
        let limit = request.last ?? (follows && request.filter.since == nil && !isTable ? Self.pastDefault : nil)
        var kept: [Record] = []
        do {
            try collectPast(limit, &kept)
        } catch let fault as SourceFault {
            // What could be read is worth showing.
            try show(limit.map { Array(kept.suffix($0)) } ?? kept)
            throw fault
        }
        try show(limit.map { Array(kept.suffix($0)) } ?? kept)
    }

    /// Without a limit the records are shown as they are read; `kept` are those that are not shown yet.
    private mutating func collectPast(_ limit: Int?, _ kept: inout [Record]) throws {
        var heads: [Record?] = []
        for source in sources { heads.append(try nextPast(source)) }
        while let index = heads.indices.filter({ heads[$0] != nil }).min(by: { heads[$0]!.instant < heads[$1]!.instant }) {
            if let record = heads[index] { kept.append(record) }
            heads[index] = try nextPast(sources[index])
            if let limit {
                if kept.count >= max(2 * limit, 1024) { kept.removeFirst(kept.count - limit) }
            } else if kept.count >= 256 {
                try show(kept)
                kept = []
            }
            if isOver || limit == nil && hasShownAll { break }
        }
    }

    private var isTable: Bool {
        if case .table = request.form { return true }
        return false
    }

    private mutating func nextPast(_ source: any Source) throws(SourceFault) -> Record? {
        while let line = try source.nextPast() {
            if let record = admitted(line) { return record }
        }
        return nil
    }

    private mutating func admitted(_ line: [UInt8]) -> Record? {
        guard let record = Record(line: line) else {
            // An empty line is nothing at all.
            if !line.isEmpty { passedOver += 1 }
            return nil
        }
        return request.filter.admits(record) ? record : nil
    }

    private mutating func show(_ records: [Record]) throws(Output.Gone) {
        let wanted = request.exitAfter.map { max(0, $0 - shown) } ?? records.count
        let records = records.prefix(wanted)
        shown += records.count
        try display.show(Array(records))
    }

    // MARK: What comes

    /// Waits until something has come, and shows it. False when a signal ends it.
    private mutating func wait(_ signals: Int32) throws -> Bool {
        var waited = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0), pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)]
        waited += sources.map { pollfd(fd: $0.isEnded ? -1 : $0.descriptor, events: Int16(POLLIN), revents: 0) }
        poll(&waited, nfds_t(waited.count), milliseconds(until: wakeTime))
        if waited[0].revents != 0 { return false }
        if waited[1].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { throw Output.Gone() }
        let now = so_monotonic_ns()
        var records: [Record] = []
        for (source, event) in zip(sources, waited.dropFirst(2)) where !source.isEnded {
            let isDue = source.descriptor < 0 || event.revents != 0 || source.wakeTime.map { $0 <= now } ?? false
            guard isDue else { continue }
            for line in try source.advance(now: now) {
                if let record = admitted(line) { records.append(record) }
            }
        }
        if sources.count > 1 { records.sort { $0.instant < $1.instant } }
        if !records.isEmpty { try show(records) }
        return true
    }

    private var wakeTime: UInt64? {
        let now = so_monotonic_ns()
        var times = [deadline, display.wakeTime].compactMap(\.self)
        for source in sources where !source.isEnded {
            if let time = source.wakeTime {
                times.append(time)
            } else if source.descriptor < 0 {
                times.append(now + Self.lookNanoseconds)
            }
        }
        if request.filter.until != nil { times.append(now + Self.lookNanoseconds) }
        return times.min()
    }

    private func milliseconds(until time: UInt64?) -> Int32 {
        guard let time else { return -1 }
        let now = so_monotonic_ns()
        return time <= now ? 0 : Int32(min((time - now) / 1_000_000 + 1, 60_000))
    }
}
