/// A section as the documentation prints it.
struct KeyTable: Sendable {
    struct Row: Sendable {
        let name: String
        let type: String
        let defaultText: String
        let meaning: String
    }

    let title: String
    let rows: [Row]

    /// A heading and a table in Markdown.
    var markdown: String {
        var lines = ["### `\(title)`", "", "| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        for row in rows { lines.append("| `\(row.name)` | \(row.type) | \(row.defaultText) | \(row.meaning) |") }
        return lines.joined(separator: "\n")
    }
}

extension Section {
    /// How a Markdown viewer names the heading of this section's table.
    var anchor: String {
        let kept = title.lowercased().unicodeScalars.filter { $0 == "_" || $0 == " " || $0.properties.isAlphabetic }
        return String(kept.map { $0 == " " ? "-" : Character($0) })
    }

    /// This section's table and those of the sections inside it.
    var tables: [KeyTable] {
        let rows = keys.map { key in
            let nested = key.type.contains("section")
            let value = key.isRequired ? "required" : key.defaultNote ?? (nested ? "" : "`\(key.show(initial).yaml)`")
            return KeyTable.Row(name: key.name, type: key.type, defaultText: value, meaning: key.meaning)
        }
        return [KeyTable(title: title, rows: rows)] + keys.flatMap { $0.tables() }
    }
}
