import CShim
import Configuration
import Gate
import Glibc
import NodeProbe
import Records

/// One run of `sendonce gate`: a server perhaps, the proxy before it, the command, and what came of it.
final class GateRun {
    enum Server {
        case running(address: String)
        case started(command: String, port: UInt16)
    }

    struct Plan {
        var command: [String]
        /// Nil where the probe alone looks.
        var server: Server?
        var listen = ""
        var hasProbe = true
        var lingerMilliseconds = 0
        var rules = Rules()
        var baseline: String?
        var updatesBaseline = false
        var reports: [ReportTarget] = []

        init(command: [String]) { self.command = command }
    }

    static let lingerDefault = 500
    private static let signals: [Int32] = [SIGINT, SIGTERM, SIGHUP]
    private static let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    private let plan: Plan
    private let folder: String
    private var server: ChildProcess?
    private let signals: Int32
    private var descriptorLimit = rlimit()

    init(_ plan: Plan) {
        self.plan = plan
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        folder = getcwd(&path, path.count).map { String(cString: $0) } ?? "/"
        getrlimit(Self.descriptors, &descriptorLimit)
        signals = so_signalfd(Self.signals, Int32(Self.signals.count), 1)
    }

    /// Runs all of it; the exit code.
    func run() throws -> Int32 {
        let scratch = try ScratchFolder()
        defer { scratch.remove() }
        defer { server?.endGroup() }
        var environment = Environment.variables
        if plan.hasProbe {
            try scratch.write(ProbeFile.bytes, "probe.cjs")
            Preload.add(to: &environment, file: scratch.path("probe.cjs"), reports: scratch.path("probe.jsonl"))
        }
        var proxy: Service?
        if let place = plan.server {
            let address = try address(of: place, environment)
            let service = try GateProxy.service(
                listen: plan.listen, upstream: address, incidents: scratch.path("incidents.jsonl"))
            environment["SENDONCE_URL"] = GateProxy.url(service)
            proxy = service
        }
        let status = try runCommand(environment)
        linger()
        // What ends with the server is no finding: the records are closed before it.
        proxy?.recorder.log?.close()
        server?.endGroup()
        return try conclude(status, try scratch.lines("incidents.jsonl") + scratch.lines("probe.jsonl"))
    }

    // MARK: The server

    /// Where the server listens, once it does.
    private func address(of place: Server, _ environment: [String: String]) throws -> String {
        guard case .started(let command, let port) = place else {
            guard case .running(let address) = place else { return "" }
            return address
        }
        if let taken = GateProxy.listening(port: port) {
            throw Failure.runtime("\(taken) is taken already: the tests would meet another server")
        }
        var environment = environment
        environment["PORT"] = "\(port)"
        let child = try start(["/bin/sh", "-c", command], environment, ownGroup: true)
        server = child
        let deadline = so_monotonic_ns() + GateProxy.startNanosecondsMax
        while true {
            if let address = GateProxy.listening(port: port) { return address }
            if child.hasEnded() {
                throw Failure.runtime("'\(command)' ended with status \(child.status ?? 0) before it listened on port \(port)")
            }
            if hasSignal() != nil { throw Failure.runtime("interrupted") }
            guard so_monotonic_ns() < deadline else { throw Failure.runtime("'\(command)' does not listen on port \(port)") }
            usleep(20_000)
        }
    }

    /// The proxy's own limit of descriptors is not what the command would have without the gate.
    private func start(_ arguments: [String], _ environment: [String: String], ownGroup: Bool) throws -> ChildProcess {
        var raised = rlimit()
        getrlimit(Self.descriptors, &raised)
        var own = descriptorLimit
        setrlimit(Self.descriptors, &own)
        defer { setrlimit(Self.descriptors, &raised) }
        do throws(ChildProcess.Failure) {
            return try ChildProcess(arguments, environment: environment, ownGroup: ownGroup)
        } catch {
            throw Failure.runtime("cannot start \(error)")
        }
    }

    // MARK: The command

    /// Runs the command to its end. It shares the terminal, so that Ctrl-C reaches it by itself; other signals are passed on.
    private func runCommand(_ environment: [String: String]) throws -> Int32 {
        let child = try start(plan.command, environment, ownGroup: false)
        let ended = so_pidfd_open(child.pid)
        defer { _ = so_close(ended) }
        while !child.hasEnded() {
            var waited = [
                pollfd(fd: ended, events: Int16(POLLIN), revents: 0), pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
            ]
            poll(&waited, 2, ended < 0 ? 50 : -1)
            while let signal = hasSignal() { if signal != SIGINT { child.send(signal) } }
        }
        return child.status ?? 1
    }

    private func hasSignal() -> Int32? {
        let number = so_next_signal(signals)
        return number > 0 ? number : nil
    }

    private func linger() {
        var waited = pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
        if plan.lingerMilliseconds > 0 { poll(&waited, 1, Int32(min(plan.lingerMilliseconds, Int(Int32.max)))) }
    }

    // MARK: The verdict

    private func conclude(_ status: Int32, _ lines: [[UInt8]]) throws -> Int32 {
        let records = lines.compactMap { Record(line: $0) }.sorted { $0.instant < $1.instant }
        var findings = Findings(records)
        var rules = plan.rules
        if let path = plan.baseline, plan.updatesBaseline {
            if status == 0 {
                try write(Baseline.text(findings), path)
                // Nothing of it is new from now on, and nothing gone.
                rules.baseline = findings.list.map { .init(group: $0.group, subject: $0.subject) }
            } else {
                StandardError.write(
                    "sendonce: the command failed, so that not all may have been seen: \(path) stays as it was\n")
            }
        }
        findings.judge(rules)
        let verdict = Verdict(findings: findings, commandStatus: status)
        let hasColour = isatty(STDERR_FILENO) == 1 && (Environment.variables["NO_COLOR"] ?? "").isEmpty
        StandardError.write("\n" + TextReport(folder: folder, hasColour: hasColour).text(verdict))
        for target in plan.reports { try deliver(target, verdict) }
        return verdict.exitCode
    }

    private func deliver(_ target: ReportTarget, _ verdict: Verdict) throws {
        // GitHub knows files by their place in the checkout, wherever the command ran.
        let root = target == .github ? Environment.variables["GITHUB_WORKSPACE"] ?? folder : folder
        let bytes = target.bytes(verdict, folder: root, version: Version.text)
        if let file = target.file { return try write(bytes, file) }
        bytes.withUnsafeBytes { _ = Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if let summary = Environment.variables["GITHUB_STEP_SUMMARY"], !summary.isEmpty {
            try write(Array(GitHubReport.summary(verdict, folder: root).utf8), summary, appending: true)
        }
    }

    private func write(_ bytes: [UInt8], _ path: String, appending: Bool = false) throws {
        do throws(ScratchFolder.Failure) {
            try ScratchFolder.write(bytes, path, appending: appending)
        } catch {
            throw Failure.runtime("\(error)")
        }
    }
}
