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

    /// What can be read of a file, and all that is wrong with it: what cannot be read has its default.
    public static func examine(fileAt path: String, environment: [String: String]) -> (settings: Settings?, problems: [Problem])
    {
        let bytes: [UInt8]
        var log = ProblemLog(file: path)
        do throws(FileBytes.Unreadable) {
            bytes = try FileBytes.read(path: path, max: Composer.fileBytesMax)
        } catch {
            log.note(error.reason, at: nil)
            return (nil, log.sorted().all)
        }
        guard let root = Composer.compose(bytes, environment: environment, problems: &log) else {
            return (nil, log.sorted().all)
        }
        let (settings, problems) = read(root: root, log: log, overrides: Overrides())
        return (settings, problems.sorted().all)
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
        let (settings, problems) = read(root: root, log: log, overrides: overrides)
        guard problems.isEmpty else { throw problems.sorted() }
        return settings
    }

    private static func read(root: Node?, log: ProblemLog, overrides: Overrides) -> (Settings, ProblemLog) {
        var decoder = Decoder(problems: log)
        var settings = Settings()
        if let root { settings = section.read(root, &decoder) ?? settings }
        settings.apply(overrides, &decoder)
        settings.complete(root: root?.mark, &decoder)
        settings.secrets = decoder.secrets
        settings.positions = decoder.positions
        return (settings, decoder.problems)
    }
}
