import ArgumentParser
import Glibc
import NodeProbe
import Wire

struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Where the file is that a Node program loads to tell which of its lines sent an answer twice.",
        discussion: """
            The program carries the file. It is taken from where a package has installed it, else written to the user's cache.

              NODE_OPTIONS="--require $(sendonce probe)" node app.js
            """)

    func run() throws { print(try ProbePlace.find()) }
}

/// The probe as a file that Node can load.
enum ProbePlace {
    static let name = "sendonce-probe.cjs"

    /// Its path; a file that is there already is used only when it is this program's own, byte for byte.
    static func find() throws -> String {
        for folder in installed where holds("\(folder)/\(name)") { return "\(folder)/\(name)" }
        var reasons: [String] = []
        for folder in caches {
            let path = "\(folder)/\(name)"
            if isOurs(folder), holds(path) { return path }
            if let reason = write(folder, path) { reasons.append(reason) } else { return path }
        }
        throw Failure.runtime("the probe cannot be written: \(reasons.joined(separator: "; "))")
    }

    /// Beside the program's own folder, as packages lay it out.
    private static var installed: [String] {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return [] }
        let program = String(decoding: buffer[..<count], as: UTF8.self).split(separator: "/").dropLast(2)
        return ["/" + (program + ["share", "sendonce", "probe"]).joined(separator: "/")]
    }

    /// A folder for each content, so that versions do not overwrite one another's.
    private static var caches: [String] {
        let variables = Environment.variables
        let content = String(fingerprint, radix: 16)
        var roots: [String] = []
        if let cache = variables["XDG_CACHE_HOME"], cache.hasPrefix("/") { roots.append("\(cache)/sendonce/probe-\(content)") }
        if let home = variables["HOME"], home.hasPrefix("/") { roots.append("\(home)/.cache/sendonce/probe-\(content)") }
        roots.append(
            "\(variables["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp")/sendonce-\(getuid())/probe-\(content)")
        return roots
    }

    private static var fingerprint: UInt64 { FNV1a(ProbeFile.bytes).value }

    private static func holds(_ path: String) -> Bool {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_size == ProbeFile.bytes.count else { return false }
        var found = [UInt8](repeating: 0, count: ProbeFile.bytes.count)
        return read(file, &found, found.count) == found.count && found == ProbeFile.bytes
    }

    /// Nobody else can put a file there.
    private static func isOurs(_ folder: String) -> Bool {
        var facts = stat()
        return lstat(folder, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR && facts.st_uid == getuid()
            && facts.st_mode & 0o022 == 0
    }

    /// Writes the file as a whole or not at all; nil when it is there, else why not.
    private static func write(_ folder: String, _ path: String) -> String? {
        var made = ""
        for part in folder.split(separator: "/") {
            made += "/\(part)"
            mkdir(made, 0o700)
        }
        guard isOurs(folder) else { return "\(folder) is not a folder of this user alone" }
        let parts = folder.split(separator: "/").dropLast()
        guard isOurs("/" + parts.joined(separator: "/")) else { return "the folder above \(folder) is not this user's alone" }
        let temporary = "\(path).\(getpid())"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard file >= 0 else { return "\(temporary): \(String(cString: strerror(errno)))" }
        let count = Glibc.write(file, ProbeFile.bytes, ProbeFile.bytes.count)
        close(file)
        guard count == ProbeFile.bytes.count, rename(temporary, path) == 0 else {
            unlink(temporary)
            return "\(path): \(String(cString: strerror(errno)))"
        }
        return nil
    }
}
