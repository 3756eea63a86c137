import Glibc
import Traces

/// The traces and documents of the repository, as files.
public enum RecordedTraces {
    public struct File: Sendable {
        /// Without folder and `.trace`.
        public let name: String
        public let bytes: [UInt8]
    }

    public struct Missing: Error { public let path: String }

    public static func files(in folder: String) throws -> [File] {
        let path = repositoryPath("Tests/Traces/" + folder)
        let names = try entries(of: path).filter { $0.hasSuffix(".trace") }.sorted()
        return try names.map { File(name: String($0.dropLast(6)), bytes: try bytes(at: path + "/" + $0)) }
    }

    /// First cells of a Markdown document's table rows that stand in backticks.
    public static func tableNames(in document: String) throws -> [String] {
        let text = String(decoding: try bytes(at: repositoryPath(document)), as: UTF8.self)
        return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { String($0.split(separator: "`")[1]) }
    }

    private static func repositoryPath(_ path: String) -> String {
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/") + "/" + path
    }

    private static func entries(of path: String) throws -> [String] {
        guard let directory = opendir(path) else { throw Missing(path: path) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            names.append(name)
        }
        return names
    }

    private static func bytes(at path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Missing(path: path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return bytes
    }
}
