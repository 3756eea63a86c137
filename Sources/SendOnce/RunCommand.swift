import ArgumentParser
import Configuration
import Logging

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the proxy.",
        discussion: "Without --config at least one --upstream is needed. Flags override the file.")

    @Option(help: ArgumentHelp("Configuration file (YAML).", valueName: "file")) var config: String?
    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Where clients connect: host:port, [v6]:port, :port or unix:/path.", valueName: "addr"))
    var listen: [String] = []
    @Option(parsing: .singleValue, help: ArgumentHelp("A server behind the proxy.", valueName: "addr")) var upstream: [String] =
        []
    @Option(help: ArgumentHelp("Address of the admin endpoint, or off.", valueName: "addr")) var admin: String?
    @Option(help: ArgumentHelp("File of the incident log, - for standard output.", valueName: "path")) var incidents: String?
    @Option(help: ArgumentHelp("Event loops: a number, or auto for one a core.", valueName: "n")) var workers: String?
    @Option(help: "Least severe level of the operational log.") var logLevel = Logger.Level.info
    @Option(help: "Form of the operational log.") var logFormat = LogFormat.text

    func run() throws {
        let format = logFormat
        let level = logLevel
        LoggingSystem.bootstrap { _ in LogLine(logLevel: level, format: format) }
        let overrides = Overrides(listen: listen, upstreams: upstream, admin: admin, incidents: incidents, workers: workers)
        if config == nil, upstream.isEmpty { throw Failure.usage("run needs --config FILE or at least one --upstream ADDR") }
        let log = Logger(label: "sendonce")
        let inheritance = try Self.inheritance(log)
        let file = config.map { ConfigurationFile($0, overrides) }
        let settings = try file?.load(following: inheritance, log) ?? ConfigurationFile.settings(overrides)
        let service = try Service(settings, log: log, inheritance: inheritance, file: file)
        service.runUntilSignalled()
    }

    /// What this process begins with. With a supervisor, which is what the process becomes that was started, this returns
    /// in its worker processes.
    private static func inheritance(_ log: Logger) throws -> Inheritance {
        if let inheritance = Succeeding.workerInheritance() { return inheritance }
        if Environment.variables["SENDONCE_SUPERVISE"] == "off" {
            return Inheritance(sockets: Inheritance.fromServiceManager())
        }
        return try Supervisor.run(log: log)
    }
}
