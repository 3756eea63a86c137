import Detector
import Explanations
import Glibc
import Testing

/// docs/kinds.md and docs/preventing-double-sends.md are rendered. `UPDATE_DOCS=1 swift test --filter ExplanationsTests` rewrites it.
@Suite struct KindsDocumentTests {
    @Test(arguments: [("docs/kinds.md", Guide.markdown), ("docs/preventing-double-sends.md", Guide.prevention)])
    func documentIsRendered(name: String, rendered: String) throws {
        let path = repositoryPath(name)
        if getenv("UPDATE_DOCS") != nil {
            let file = try #require(fopen(path, "w"))
            fputs(rendered, file)
            fclose(file)
        }
        let isEqual = try text(at: path) == rendered
        #expect(isEqual, "\(name) is not what the guide renders: run with UPDATE_DOCS=1")
    }

    /// It is read beside the code: a line of a terminal.
    @Test(arguments: Kind.allCases) func remediesAreOneShortSentence(kind: Kind) {
        let remedy = Explanation.of(kind).remedy
        #expect(remedy.count <= 75 && remedy.hasSuffix(".") && remedy.unicodeScalars.allSatisfy(\.isASCII))
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
