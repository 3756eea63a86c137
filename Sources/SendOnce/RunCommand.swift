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
        var options = RunOptions()
        options.config = config
        options.overrides = Overrides(listen: listen, upstreams: upstream, admin: admin, incidents: incidents, workers: workers)
        options.logLevel = logLevel
        options.logFormat = logFormat
        try options.run()
    }
}
