extension Settings {
    /// What is in force, as one line of JSON that reads back as a configuration file.
    ///
    /// Values that came from environment variables with secret names are `[REDACTED]`.
    public var redactedJSON: String { Self.section.show(self).redacted(at: secrets).json }

    /// Every section with its keys, their types, defaults and meanings, as Markdown tables.
    public static var reference: String {
        var titles: Set<String> = []
        return section.tables.filter { titles.insert($0.title).inserted }.map(\.markdown).joined(separator: "\n\n")
            + "\n"
    }
}
