import Glibc
import Testing

@testable import Configuration

/// The documentation holds the tables that the code reads by. `UPDATE_DOCS=1` writes them anew.
@Suite struct ReferenceTests {
    static let path = "\(packageRoot)/docs/configuration.md"
    static let begin = "<!-- keys: begin -->\n\n"
    static let end = "\n<!-- keys: end -->"

    @Test func theDocumentationIsUpToDate() throws {
        let text = String(decoding: try FileBytes.read(path: Self.path, max: 1 << 20), as: UTF8.self)
        let begin = try #require(text.range(of: Self.begin)?.upperBound)
        let end = try #require(text.range(of: Self.end)?.lowerBound)
        if getenv("UPDATE_DOCS") != nil {
            let file = try #require(fopen(Self.path, "w"))
            fputs(text[..<begin] + Settings.reference + text[end...], file)
            fclose(file)
        } else {
            #expect(text[begin..<end] == Settings.reference[...])
        }
    }

    @Test func everySectionHasItsOwnHeading() {
        let titles = Settings.section.tables.map(\.title)
        // Request and answer fields are changed alike, and both logs rotate alike.
        #expect(titles.count == Set(titles).count + 2)
        for table in Settings.section.tables {
            #expect(Set(table.rows.map(\.name)).count == table.rows.count)
            #expect(table.rows.allSatisfy { !$0.meaning.isEmpty && !$0.meaning.contains("|") })
        }
    }
}

extension String {
    /// The first place of a text.
    fileprivate func range(of text: String) -> Range<String.Index>? { ranges(of: text).first }
}
