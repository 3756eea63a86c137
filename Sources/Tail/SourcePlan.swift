import Glibc
import Records

/// Which sources a request means, and whether they are followed.
struct SourcePlan {
    enum Place {
        case file(String)
        case admin(AdminAddress)
        case input
    }

    /// Where a proxy without settings of its own writes its incidents, and where its admin endpoint is.
    static let fileDefault = "incidents.jsonl"
    static let adminDefault = "127.0.0.1:9180"

    let places: [Place]
    let follows: Bool
    private let request: Request

    init(_ request: Request, now: Instant) throws(UsageFault) {
        self.request = request
        var places: [Place] = []
        for name in request.sources { places.append(try Self.place(name)) }
        if places.isEmpty { places = [try Self.placeDefault()] }
        self.places = places
        // In a pipe a file ends where it ends, as with any program that reads one; a terminal is for watching.
        let isWatched = isatty(STDOUT_FILENO) == 1 || request.exitAfter != nil || request.timeoutMilliseconds != nil
        let isPast = request.filter.until.map { $0 <= now } ?? false
        follows = request.follow ?? (!isPast && (isWatched || places.contains { if case .admin = $0 { true } else { false } }))
    }

    private static func place(_ name: String) throws(UsageFault) -> Place {
        if name == "-" { return .input }
        if !name.hasPrefix("http://"), !name.hasPrefix("https://"), access(name, F_OK) == 0 { return .file(name) }
        return try AdminAddress(name).map(Place.admin) ?? .file(name)
    }

    /// A pipe on standard input, the file in this folder, or the endpoint on this machine: whichever is there.
    private static func placeDefault() throws(UsageFault) -> Place {
        var status = stat()
        if fstat(STDIN_FILENO, &status) == 0, [S_IFIFO, S_IFREG].contains(status.st_mode & S_IFMT) { return .input }
        if access(fileDefault, F_OK) == 0 { return .file(fileDefault) }
        return try place(adminDefault)
    }

    /// How far back the sources are read.
    private var past: Past {
        if let since = request.filter.since { return .since(since) }
        if case .table = request.form, request.last == nil { return .all }
        guard let count = request.last ?? (follows ? Tail.pastDefault : nil) else { return .all }
        // How many lines it takes for so many that are admitted, nobody knows.
        return count == 0 ? .none : request.filter.selects || request.filter.until != nil ? .all : .last(count)
    }

    func open(notice: @escaping (String) -> Void) throws(SourceFault) -> [any Source] {
        var taken: Set<LogReader.Identity> = []
        var sources: [any Source] = []
        // Only whoever asks for it waits for what is not there yet: else it is more likely a slip of the pen.
        let waits = request.follow == true
        for place in places {
            switch place {
            case .input: sources.append(InputSource(wholly: request.last != nil || places.count > 1 && !follows))
            case .admin(let address):
                sources.append(
                    try AdminSource(address, wantsPast: past != .none, follows: follows, waits: waits, notice: notice))
            case .file(let path):
                if waits, access(path, F_OK) != 0 { notice("\(Printable.text(path)): not there yet; waiting for it") }
                sources.append(try FileSource(path, past: past, follows: follows, waits: waits, taken: &taken))
            }
        }
        return sources
    }
}
