import ArgumentParser
import Configuration
import Glibc

/// The command line. Exit codes: 0 fine, 1 runtime failure, 2 bad usage or bad configuration.
@main
struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sendonce",
        abstract: "A reverse proxy that catches every answer that is sent twice.",
        version: "sendonce \(Version.text)",
        subcommands: [
            RunCommand.self, CheckCommand.self, DemoCommand.self, TailCommand.self, GateCommand.self, ExplainCommand.self,
            HealthcheckCommand.self, ProbeCommand.self,
            ReplayCommand.self,
        ])

    static func main() {
        // A peer that has gone must not end the process; every write reports it anyway.
        signal(SIGPIPE, SIG_IGN)
        do {
            if let options = RunOptions(plain: Array(CommandLine.arguments.dropFirst())) { return try options.run() }
            var command = try parseAsRoot()
            try command.run()
        } catch let failure as Failure {
            for problem in failure.problems { StandardError.write("\(problem)\n") }
            StandardError.write("sendonce: \(failure.message)\n")
            Glibc.exit(failure.code)
        } catch {
            let code = exitCode(for: error)
            if code.isSuccess { exit(withError: error) }
            StandardError.write(fullMessage(for: error) + "\n")
            Glibc.exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }
}

/// A command ends with a message and an exit code.
struct Failure: Error, CustomStringConvertible {
    let code: Int32
    let message: String
    /// What is wrong with the configuration, each with its place.
    var problems: [String] = []

    /// One line, for logs.
    var description: String { message }

    static func runtime(_ message: String) -> Failure { Failure(code: 1, message: message) }
    static func usage(_ message: String) -> Failure { Failure(code: 2, message: message) }

    /// Prints every problem on a line of its own.
    static func badConfiguration(_ problems: Problems) -> Failure {
        var failure = usage("the configuration cannot be used")
        failure.problems = "\(problems)".split(separator: "\n").map(String.init)
        return failure
    }
}

/// Standard error, one `write` a message, so that lines of several threads do not mix.
enum StandardError {
    static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
