import ArgumentParser
import Configuration
import Proxy

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate a configuration file; print every problem as FILE:LINE:COLUMN: message.",
        discussion: """
            Checks all that a start would: names, addresses, certificates and keys, error pages, and whether logs, captures
            and the probe's socket can be made. Whether a port is free is not: the proxy that runs may have it.
            """)

    @Option(help: ArgumentHelp("Configuration file (YAML).", valueName: "file")) var config: String

    func run() throws {
        var (settings, problems) = Settings.examine(fileAt: config, environment: Environment.variables)
        if let settings {
            let check = StartCheck(settings)
            // What could not be read stands there with its default, which nobody asked for.
            problems += check.problems.filter { found in
                !problems.contains { $0.line == found.line && $0.column == found.column }
            }
            for warning in check.warnings { print("warning: \(warning)") }
        }
        if let problems = Problems(problems) { throw Failure.badConfiguration(problems) }
        print("\(config): fine")
    }
}
