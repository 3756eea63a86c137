import ArgumentParser
import Configuration
import Proxy

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Validate a configuration file; print every problem as FILE:LINE:COLUMN: message.")

    @Option(help: ArgumentHelp("Configuration file (YAML).", valueName: "file")) var config: String

    func run() throws {
        let settings = try ConfigurationFile(config).load()
        do throws(Problems) {
            _ = try ErrorPages(settings)
            for warning in try TLSFiles(settings).warnings { print("warning: \(warning)") }
        } catch {
            throw Failure.badConfiguration(error)
        }
        print("\(config): fine")
    }
}
