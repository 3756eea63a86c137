import Glibc
import Report
import Testing

@testable import Capture

/// The files of captures: whole or not at all, at most so many, and nothing else is touched.
struct CaptureFolderTests {
    /// A folder that goes with its owner.
    private final class Folder {
        let path: String

        init() {
            var template = Array("/tmp/capture-tests-XXXXXX".utf8CString)
            path = String(cString: mkdtemp(&template))
        }

        deinit {
            for name in names { unlink("\(path)/\(name)") }
            rmdir(path)
        }

        var names: [String] {
            guard let directory = opendir(path) else { return [] }
            defer { closedir(directory) }
            var names: [String] = []
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                if name != ".", name != ".." { names.append(name) }
            }
            return names.sorted()
        }
    }

    /// Ids sort by time.
    private func name(_ number: Int) -> String {
        let digits = "\(number)"
        return "01M8EM1DZ3KEGX06C7S1" + String(repeating: "0", count: 6 - digits.count) + digits + ".trace"
    }

    @Test func theOldestGiveWay() throws {
        let folder = Folder()
        let files = try CaptureFolder(path: folder.path, keep: 3)
        for number in 0..<10 { #expect(files.write([UInt8(number)], name(number)) == nil) }
        #expect(folder.names == [name(7), name(8), name(9)], "and no unfinished file is left")
        #expect(CaptureFolder.names(in: folder.path) == folder.names)
        #expect(CaptureFolder.read(folder.path, name(8)) == [8] && CaptureFolder.read(folder.path, name(6)) == nil)
        // The same connection again: its file is written anew.
        #expect(files.write([1, 2, 3], name(8)) == nil && CaptureFolder.read(folder.path, name(8)) == [1, 2, 3])
        #expect(folder.names.count == 3)
    }

    @Test func whatIsNotOursStays() throws {
        let folder = Folder()
        for stranger in ["notes.txt", "01M8EM1DZ3KEGX06C7S1000000.txt", "short.trace", "01m8em1dz3kegx06c7s1000000.trace"] {
            close(open("\(folder.path)/\(stranger)", O_WRONLY | O_CREAT, 0o600))
        }
        let files = try CaptureFolder(path: folder.path, keep: 1)
        for number in 0..<3 { #expect(files.write([], name(number)) == nil) }
        #expect(folder.names.count == 5 && CaptureFolder.names(in: folder.path) == [name(2)])
        #expect(CaptureFolder.read(folder.path, "notes.txt") == nil)
    }

    @Test(arguments: [
        ("01M8EM1DZ3KEGX06C7S1TMVR53.trace", true), ("01M8EM1DZ3KEGX06C7S1TMVR53", false),
        ("01M8EM1DZ3KEGX06C7S1TMVR5.trace", false),
        ("01M8EM1DZ3KEGX06C7S1TMVR533.trace", false), ("../M8EM1DZ3KEGX06C7S1TMVR53.trace", false),
        (".01M8EM1DZ3KEGX06C7S1TMVR53.trace.new", false), ("01m8EM1DZ3KEGX06C7S1TMVR53.trace", false),
        ("01M8EM1DZ3KEGX06C7S1TMV\u{0}53.trace", false), ("01M8EM1DZ3KEGX06C7S1TMVR53.TRACE", false), ("", false),
        (".trace", false),
        ("01M8EM1DZ3/EGX06C7S1TMVR53.trace", false),
    ])
    func names(_ name: String, _ isOurs: Bool) { #expect(CaptureFolder.isName(name) == isOurs) }

    /// A link leads nowhere: only files of the folder are read.
    @Test func linksAreNotFollowed() throws {
        let folder = Folder()
        #expect(symlink("/etc/hostname", "\(folder.path)/\(name(1))") == 0)
        #expect(CaptureFolder.read(folder.path, name(1)) == nil)
    }

    @Test func whatCannotBeWrittenIsReported() throws {
        #expect(throws: LogOpenError.self) { try CaptureFolder(path: "/no/such/folder", keep: 1) }
        let folder = Folder()
        let files = try CaptureFolder(path: folder.path, keep: 1)
        // A folder stands where the file should be.
        #expect(mkdir("\(folder.path)/\(name(1))", 0o700) == 0)
        #expect(files.write([1], name(1)) != nil)
        #expect(folder.names == [name(1)], "what was unfinished has gone")
        rmdir("\(folder.path)/\(name(1))")
        #expect(CaptureFolder.names(in: "/no/such/folder") == [])
    }
}
