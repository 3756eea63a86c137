import ArgumentParser
import Configuration
import Records
import Tail

struct TailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail", abstract: "Show incidents as they come, or those of a log.",
        discussion: """
            Reads files of the incident log (over their rotation, compressed ones too), admin endpoints, or standard input (-), \
            merged by time. Without a source: what comes in a pipe, else incidents.jsonl, else the endpoint on 127.0.0.1:9180. \
            On a terminal, from an endpoint, and with --exit-after or --timeout it goes on with what comes (--follow). \
            docs/tail.md has the fields, the expressions and examples.
            """)

    @Argument(
        help: ArgumentHelp(
            "A file, an admin endpoint (host:port, unix:/path or URL), or - for standard input.", valueName: "source"))
    var sources: [String] = []
    @Option(
        name: .customShort("n"),
        help: ArgumentHelp(
            "Of the incidents that are there, the last so many (10 when following, else all).", valueName: "count"))
    var last: Int?
    @Flag(inversion: .prefixedNo, help: "Go on with the incidents that come; wait for a source that is not there yet.")
    var follow: Bool?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("From when on: 2h (ago), 09:15 (today, UTC), 2026-11-22T09:15.", valueName: "time"))
    var since: String?
    @Option(parsing: .unconditional, help: ArgumentHelp("Until when.", valueName: "time")) var until: String?
    @Option(parsing: .singleValue, help: "Only incidents of this kind; several times for several.") var kind: [String] = []
    @Option(help: "Only proven or only suspected ones.") var certainty: String?
    @Option(parsing: .singleValue, help: "Only those of this route; several times for several.") var route: [String] = []
    @Option(parsing: .singleValue, help: "Only those of this upstream; several times for several.") var upstream: [String] = []
    @Option(help: "Only those that did this to a client: none, aborted, bad_gateway or misdelivered.") var impact: String?
    @Option(
        name: .customShort("q"), parsing: .unconditional,
        help: ArgumentHelp(
            "Only those that an expression admits: 'kind = second_response and delay_ms > 10'.", valueName: "expression"))
    var query: String?
    @Option(help: ArgumentHelp("A table counted by fields, live on a terminal: group, or kind,route.", valueName: "field,..."))
    var by: String?
    @Flag(help: "The records' own lines.") var json = false
    @Option(help: ArgumentHelp("A line of your own: '{time} {kind} {path}'.", valueName: "template")) var format: String?
    @Option(help: "auto (for a terminal, unless NO_COLOR is set), always or never.") var color = Appearance.auto
    @Option(help: ArgumentHelp("End after so many incidents.", valueName: "count")) var exitAfter: Int?
    @Option(
        help: ArgumentHelp(
            "End after this time: 30s. Exit code 1 when fewer came than --exit-after waits for.", valueName: "duration"))
    var timeout: String?

    func run() throws {
        var tail = try open()
        let outcome: Tail.Outcome
        do {
            outcome = try tail.run()
        } catch {
            throw Failure.runtime("\(error)")
        }
        if tail.passedOver > 0 {
            StandardError.write("sendonce: passed over \(tail.passedOver) lines that are no incident records\n")
        }
        if case .tooFew(let shown) = outcome {
            throw Failure.runtime("the time is over: \(shown) of \(exitAfter ?? 0) incidents came")
        }
    }

    private func open() throws -> Tail {
        do {
            return try Tail(request()) { StandardError.write("sendonce: \($0)\n") }
        } catch let fault as ExpressionFault {
            throw Failure.usage("-q: \(fault)")
        } catch let fault as UsageFault {
            throw Failure.usage("\(fault)")
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    private func request() throws -> Request {
        var request = Request()
        request.sources = sources
        request.last = try whole(last, "-n")
        request.follow = follow
        request.filter = try filter()
        request.form = try form()
        request.appearance = color
        request.exitAfter = try whole(exitAfter, "--exit-after")
        request.timeoutMilliseconds = try timeout.map { text in
            guard let milliseconds = Instant.milliseconds(text) else {
                throw Failure.usage("--timeout: '\(Printable.text(text))' is no duration such as 30s")
            }
            return milliseconds
        }
        request.environment = Environment.variables
        return request
    }

    private func filter() throws -> Filter {
        var filter = Filter()
        filter.kinds = Set(try kind.map { try Filter.word($0, of: "kind", flag: "--kind") })
        filter.certainty = try certainty.map { try Filter.word($0, of: "certainty", flag: "--certainty") }
        filter.routes = Set(route)
        filter.upstreams = Set(upstream)
        filter.impact = try impact.map { try Filter.word($0, of: "client_impact", flag: "--impact") }
        filter.since = try since.map { try instant($0, "--since") }
        filter.until = try until.map { try instant($0, "--until") }
        filter.expression = try query.map { try Expression($0) }
        return filter
    }

    private func form() throws -> Request.Form {
        let given = [json ? "--json" : nil, format == nil ? nil : "--format", by == nil ? nil : "--by"].compactMap(\.self)
        guard given.count <= 1 else { throw Failure.usage("\(given.joined(separator: " and ")) exclude each other") }
        if json { return .lines }
        if let format { return .template(try Template(format)) }
        if let by { return .table(try Table(by: by)) }
        return .incidents
    }

    private func instant(_ text: String, _ flag: String) throws -> Instant {
        guard let instant = Instant(text, now: Tail.wallClock) else {
            throw Failure.usage(
                "\(flag): '\(Printable.text(text))' is no time: 2h (ago), 09:15, 2026-11-22 or 2026-11-22T09:15:03Z")
        }
        return instant
    }

    private func whole(_ number: Int?, _ flag: String) throws -> Int? {
        if let number, number < 0 { throw Failure.usage("\(flag): \(number) is no number of incidents") }
        return number
    }
}

extension Appearance: ExpressibleByArgument {}
