extension Settings {
    /// Reads the settings from a file and the command line; without a file from the command line alone.
    ///
    /// Throws everything that is wrong, not just the first problem.
    public static func load(
        fileAt path: String?, environment: [String: String], overrides: Overrides = Overrides()
    ) throws(Problems) -> Settings {
        var bytes: [UInt8] = []
        return try load(fileAt: path, environment: environment, overrides: overrides, text: &bytes)
    }

    /// The same, and what stood in the file.
    public static func load(
        fileAt path: String?, environment: [String: String], overrides: Overrides = Overrides(), text bytes: inout [UInt8]
    ) throws(Problems) -> Settings {
        guard let path else {
            return try assemble(root: nil, log: ProblemLog(file: "command line"), overrides: overrides)
        }
        do throws(FileBytes.Unreadable) {
            bytes = try FileBytes.read(path: path, max: Composer.fileBytesMax)
        } catch {
            var log = ProblemLog(file: path)
            log.note(error.reason, at: nil)
            throw log.sorted()
        }
        return try decode(bytes, file: path, environment: environment, overrides: overrides)
    }

    /// Reads the settings from YAML text; `file` is what problems call it.
    public static func decode(
        _ bytes: [UInt8], file: String, environment: [String: String] = [:], overrides: Overrides = Overrides()
    ) throws(Problems) -> Settings {
        var log = ProblemLog(file: file)
        guard let root = Composer.compose(bytes, environment: environment, problems: &log) else { throw log.sorted() }
        return try assemble(root: root, log: log, overrides: overrides)
    }

    private static func assemble(root: Node?, log: ProblemLog, overrides: Overrides) throws(Problems) -> Settings {
        var decoder = Decoder(problems: log)
        var settings = Settings()
        if let root { settings = section.read(root, &decoder) ?? settings }
        settings.apply(overrides, &decoder)
        settings.complete(root: root?.mark, &decoder)
        settings.secrets = decoder.secrets
        settings.positions = decoder.positions
        guard decoder.problems.isEmpty else { throw decoder.problems.sorted() }
        return settings
    }
}
