import Explanations
import Glibc
import Testing

/// docs/kinds.md is the rendered guide. `UPDATE_DOCS=1 swift test --filter ExplanationsTests` rewrites it.
@Suite struct KindsDocumentTests {
    @Test func documentIsTheRenderedGuide() throws {
        let path = repositoryPath("docs/kinds.md")
        if getenv("UPDATE_DOCS") != nil {
            let file = try #require(fopen(path, "w"))
            fputs(Guide.markdown, file)
            fclose(file)
        }
        let isEqual = try text(at: path) == Guide.markdown
        #expect(isEqual, "docs/kinds.md is not what the guide renders: run with UPDATE_DOCS=1")
    }

    private func repositoryPath(_ path: String) -> String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/") + "/" + path
    }

    private func text(at path: String) throws -> String {
        let file = try #require(fopen(path, "r"), "no \(path)")
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
