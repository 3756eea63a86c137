import ArgumentParser
import Configuration
import Detector
import Gate
import Glibc
import Records

struct GateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate", abstract: "Run tests, and fail when an answer was sent twice meanwhile.",
        discussion: """
            Runs COMMAND with the probe in its environment (NODE_OPTIONS), so that Node programs that it starts say which line sent \
            first and which again. With --upstream or --start a proxy stands before the server; COMMAND finds it at SENDONCE_URL. \
            Exits with COMMAND's status when that is not 0, with 3 when COMMAND passed and incidents were found that are neither \
            allowed nor in the baseline, else with 0. What was found is printed on standard error. docs/ci.md has examples.
            """)

    @Option(help: ArgumentHelp("A server that is running: the proxy stands before it.", valueName: "addr")) var upstream:
        String?
    @Option(
        help: ArgumentHelp(
            "Start the server with this shell command (PORT is set) and end it afterwards.", valueName: "command"))
    var start: String?
    @Option(help: ArgumentHelp("The port that the started server listens on.", valueName: "n")) var port: UInt16?
    @Option(help: ArgumentHelp("Where the proxy listens (default: a free port of 127.0.0.1).", valueName: "addr")) var listen:
        String?
    @Option(parsing: .singleValue, help: "Let this kind of incident through; several times for several.") var allow: [String] =
        []
    @Option(help: ArgumentHelp("proven: only certain incidents close the gate; suspected: all do.", valueName: "certainty"))
    var failOn = Certainty.proven
    @Option(
        help: ArgumentHelp(
            "Wait so long after COMMAND for late second answers (default: 500ms with a proxy).", valueName: "duration"))
    var linger: String?
    @Option(help: ArgumentHelp("Groups that are known of old and do not close the gate.", valueName: "file")) var baseline:
        String?
    @Flag(help: "Write what was found into the baseline.") var updateBaseline = false
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("junit=FILE, sarif=FILE, json=FILE or github (the default under GITHUB_ACTIONS).", valueName: "form")
    )
    var report: [String] = []
    @Flag(help: "Without the probe: only what the proxy sees.") var noProbe = false
    @Argument(parsing: .postTerminator, help: ArgumentHelp("What runs the tests.", valueName: "command")) var command:
        [String] = []

    func run() throws {
        let run = GateRun(try plan())
        Glibc.exit(try run.run())
    }

    private func plan() throws -> GateRun.Plan {
        guard !command.isEmpty else { throw Failure.usage("gate needs a command after --: sendonce gate -- npm test") }
        guard upstream == nil || start == nil else { throw Failure.usage("--upstream and --start exclude each other") }
        guard (start == nil) == (port == nil) else { throw Failure.usage("--start and --port go together") }
        let hasProxy = upstream != nil || start != nil
        guard hasProxy || !noProbe else { throw Failure.usage("--no-probe without --upstream or --start: nothing would look") }
        guard hasProxy || listen == nil else { throw Failure.usage("--listen needs --upstream or --start") }
        guard baseline != nil || !updateBaseline else { throw Failure.usage("--update-baseline needs --baseline FILE") }
        if let port, port == 0 { throw Failure.usage("--port: 0 is no port that the server could be found at") }
        var plan = GateRun.Plan(command: command)
        plan.server = start.map { .started(command: $0, port: port ?? 0) } ?? upstream.map { .running(address: $0) }
        plan.listen = listen ?? "127.0.0.1:0"
        plan.hasProbe = !noProbe
        plan.lingerMilliseconds = try linger.map(duration) ?? (hasProxy ? GateRun.lingerDefault : 0)
        plan.rules = try rules()
        plan.baseline = baseline
        plan.updatesBaseline = updateBaseline
        plan.reports = try reports()
        return plan
    }

    private func duration(_ text: String) throws -> Int {
        guard let milliseconds = Quantity.milliseconds(text) else {
            throw Failure.usage("--linger: '\(Printable.text(text))' is no duration such as 500ms")
        }
        return milliseconds
    }

    private func rules() throws -> Rules {
        var rules = Rules()
        rules.failsOnSuspected = failOn == .suspected
        for name in allow {
            let normal = String(name.lowercased().map { $0 == "-" ? "_" : $0 })
            guard Kind(rawValue: normal) != nil else {
                let hint = Spelling.hint(for: name, among: Kind.allCases.map(\.rawValue))
                throw Failure.usage("--allow: '\(Printable.text(name))' is no kind\(hint); sendonce explain lists them")
            }
            rules.allowed.insert(normal)
        }
        guard let baseline, !updateBaseline || access(baseline, F_OK) == 0 else { return rules }
        do {
            rules.baseline = try Baseline.entries(FileBytes.read(path: baseline, max: 16 << 20))
        } catch let error as FileBytes.Unreadable {
            throw Failure.usage("--baseline: \(baseline): \(error.reason); --update-baseline makes it")
        } catch {
            throw Failure.usage("--baseline: \(baseline): \(error)")
        }
        return rules
    }

    private func reports() throws -> [ReportTarget] {
        do {
            if report.isEmpty { return Environment.variables["GITHUB_ACTIONS"] == "true" ? [.github] : [] }
            return try report.map { try ReportTarget($0) }
        } catch {
            throw Failure.usage("--report: \(error)")
        }
    }
}

extension Certainty: ExpressibleByArgument {}
