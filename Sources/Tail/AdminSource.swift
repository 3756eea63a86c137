import CShim
import Records

/// An admin endpoint: the incidents in its memory, then its stream, to which the connection is made anew whenever it breaks.
final class AdminSource: Source {
    private static let delayMax: UInt64 = 2_000_000_000
    /// The endpoint lets nobody wait longer for a sign of life.
    private static let silenceMax: UInt64 = 60_000_000_000

    private let place: AdminAddress
    private let follows: Bool
    private let notice: (String) -> Void
    private var socket: AdminSocket?
    private var splitter = LineSplitter()
    private var past: [[UInt8]] = []
    private var lastID = "0"
    private var isBroken = false
    private var delay: UInt64 = 250_000_000
    private var retryTime: UInt64 = 0
    private var heardTime: UInt64 = 0
    private(set) var isEnded: Bool

    var descriptor: Int32 { socket?.descriptor ?? -1 }
    var wakeTime: UInt64? { isEnded ? nil : socket == nil ? retryTime : heardTime + Self.silenceMax }

    /// `waits`: an endpoint that is not there yet is no fault.
    init(_ place: AdminAddress, wantsPast: Bool, follows: Bool, waits: Bool, notice: @escaping (String) -> Void)
        throws(SourceFault)
    {
        self.place = place
        self.follows = follows
        self.notice = notice
        isEnded = !follows
        do throws(SourceFault) {
            let lines = try Self.incidents(place)
            if let last = lines.last, let record = Record(line: last), let id = record.text("id") { lastID = id }
            if wantsPast { past = lines.reversed() }
        } catch {
            guard waits else { throw error }
            lost(error, now: so_monotonic_ns())
        }
    }

    /// What is in the endpoint's memory: an array, a line an incident.
    private static func incidents(_ place: AdminAddress) throws(SourceFault) -> [[UInt8]] {
        let socket = try AdminSocket(place, path: "/incidents?limit=1024")
        var body: [UInt8] = []
        while let bytes = try socket.read(place, patient: true) { body += bytes }
        return body.split(separator: UInt8(ascii: "\n")).compactMap { line in
            var line = line
            if line.first == UInt8(ascii: "[") { line.removeFirst() }
            while let last = line.last, last == UInt8(ascii: ",") || last == UInt8(ascii: "]") { line.removeLast() }
            return line.isEmpty ? nil : Array(line)
        }
    }

    func nextPast() throws(SourceFault) -> [UInt8]? { past.popLast() }

    func advance(now: UInt64) throws(SourceFault) -> [[UInt8]] {
        do throws(SourceFault) {
            guard let socket = try connection(now) else { return [] }
            var lines: [[UInt8]] = []
            while true {
                guard let bytes = try socket.read(place) else { throw SourceFault(place.text, "the connection has ended") }
                if bytes.isEmpty { break }
                heardTime = now
                lines += splitter.receive(bytes)
            }
            if now >= heardTime + Self.silenceMax { throw SourceFault(place.text, "has fallen silent") }
            return events(lines)
        } catch {
            lost(error, now: now)
            return []
        }
    }

    private func connection(_ now: UInt64) throws(SourceFault) -> AdminSocket? {
        if let socket { return socket }
        guard now >= retryTime else { return nil }
        let fresh = try AdminSocket(place, path: "/incidents/stream?after=\(lastID)")
        // The first comment comes at once: whoever does not send it refuses.
        let first = try fresh.read(place, patient: true) ?? []
        splitter = LineSplitter()
        socket = fresh
        heardTime = now
        delay = 250_000_000
        if isBroken { notice("\(place.text): connected") }
        isBroken = false
        pendingLines = splitter.receive(first)
        return fresh
    }

    /// Came with the answer's header block.
    private var pendingLines: [[UInt8]] = []

    private func events(_ lines: [[UInt8]]) -> [[UInt8]] {
        let lines = pendingLines + lines
        pendingLines = []
        return lines.compactMap { line in
            if line.starts(with: "id: ".utf8) { lastID = String(decoding: line.dropFirst(4), as: UTF8.self) }
            return line.starts(with: "data: ".utf8) ? Array(line.dropFirst(6)) : nil
        }
    }

    private func lost(_ fault: SourceFault, now: UInt64) {
        socket = nil
        if !isBroken { notice("\(fault); trying again") }
        isBroken = true
        retryTime = now + delay
        delay = min(delay * 2, Self.delayMax)
    }
}
