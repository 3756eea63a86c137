import Configuration
import Glibc
import Logging

/// What stands on the command line of `run`.
struct RunOptions {
    var config: String?
    var overrides = Overrides()
    var logLevel = Logger.Level.info
    var logFormat = LogFormat.text

    init() {}

    /// Reads a command line in its plain form, `run --flag VALUE` or `--flag=VALUE`; nil for any other, which ArgumentParser
    /// explains. That one takes several milliseconds, as much as all else that a start does before it listens.
    init?(plain arguments: [String]) {
        guard arguments.first == "run" else { return nil }
        var rest = arguments.dropFirst()
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let value = parts.count > 1 ? parts[1] : rest.popFirst(), value == "-" || !value.hasPrefix("-") else {
                return nil
            }
            guard take(parts[0], value) else { return nil }
        }
    }

    private mutating func take(_ flag: String, _ value: String) -> Bool {
        switch flag {
        case "--config" where config == nil: config = value
        case "--listen": overrides.listen.append(value)
        case "--upstream": overrides.upstreams.append(value)
        case "--admin" where overrides.admin == nil: overrides.admin = value
        case "--incidents" where overrides.incidents == nil: overrides.incidents = value
        case "--workers" where overrides.workers == nil: overrides.workers = value
        case "--log-level":
            guard let level = Logger.Level(rawValue: value) else { return false }
            logLevel = level
        case "--log-format":
            guard let format = LogFormat(rawValue: value) else { return false }
            logFormat = format
        default: return false
        }
        return true
    }

    /// Runs the proxy, or supervises the process that does.
    func run() throws {
        if config == nil, overrides.upstreams.isEmpty {
            throw Failure.usage("run needs --config FILE or at least one --upstream ADDR")
        }
        LoggingSystem.bootstrap { [logLevel, logFormat] _ in LogLine(logLevel: logLevel, format: logFormat) }
        let log = Logger(label: "sendonce")
        let inheritance = try Self.inheritance(log)
        let file = config.map { ConfigurationFile($0, overrides) }
        let settings = try file?.load(following: inheritance, log) ?? ConfigurationFile.settings(overrides)
        let service = try Service(settings, log: log, inheritance: inheritance, file: file)
        service.runUntilSignalled()
    }

    /// What this process begins with. The process that was started becomes the supervisor, and returns from here never.
    private static func inheritance(_ log: Logger) throws -> Inheritance {
        if let inheritance = Succeeding.workerInheritance() { return inheritance }
        if let word = getenv("SENDONCE_SUPERVISE"), strcmp(word, "off") == 0 {
            return Inheritance(sockets: Inheritance.fromServiceManager())
        }
        try Supervisor.run(log: log)
    }
}
