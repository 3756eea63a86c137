import ArgumentParser
import Configuration

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate a configuration file; print every problem as FILE:LINE:COLUMN: message.")

    @Option(help: ArgumentHelp("Configuration file (YAML).", valueName: "file")) var config: String

    func run() throws {
        _ = try ConfigurationFile.load(config)
        print("\(config): fine")
    }
}
