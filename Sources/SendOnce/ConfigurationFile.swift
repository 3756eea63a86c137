import CShim
import Configuration
import Glibc
import Logging
import Proxy

/// The file that `run` works by. Its text stays in memory as it was when it came into force: a worker process that follows a
/// crash does not stumble over a file that somebody is just editing.
final class ConfigurationFile {
    static let descriptorName = "configuration"

    private let path: String
    private let overrides: Overrides
    private var lastRead: [UInt8] = []
    /// Holds the text in force; -1 for none.
    private(set) var inForce: Int32 = -1
    /// The file could not be used, its last good text was.
    private(set) var isOutdated = false

    init(_ path: String, _ overrides: Overrides = Overrides()) {
        self.path = path
        self.overrides = overrides
    }

    /// Reads the file. Throws `Failure` with all that is wrong with it.
    func load() throws -> Settings {
        do throws(Problems) {
            return try Settings.load(
                fileAt: path, environment: Environment.variables, overrides: overrides, text: &lastRead)
        } catch {
            throw Failure.badConfiguration(error)
        }
    }

    /// Reads the file; after a crash, when it cannot be used, the text that was in force before.
    func load(following inheritance: Inheritance, _ log: Logger) throws -> Settings {
        do {
            return try load()
        } catch let failure as Failure {
            guard inheritance.followsCrash, let text = inheritance.configuration,
                let settings = try? Settings.decode(
                    text, file: path, environment: Environment.variables, overrides: overrides)
            else { throw failure }
            for problem in failure.problems { log.error("problem", metadata: ["at": "\(problem)"]) }
            log.error("the configuration cannot be used, the one that was in force before the crash is")
            lastRead = text
            isOutdated = true
            return settings
        }
    }

    /// What has been read last is in force from now on.
    func takeEffect() {
        if inForce >= 0 { _ = so_close(inForce) }
        inForce = so_memory_file(Self.descriptorName, lastRead, lastRead.count)
    }

    /// Settings from flags alone.
    static func settings(_ overrides: Overrides) throws -> Settings {
        do throws(Problems) {
            return try Settings.load(fileAt: nil, environment: [:], overrides: overrides)
        } catch {
            throw Failure.badConfiguration(error)
        }
    }
}

extension Inheritance {
    /// The text of the configuration that an earlier worker process had in force.
    var configuration: [UInt8]? {
        guard let file = sockets.first(where: { $0.isOurs && $0.name == ConfigurationFile.descriptorName }) else { return nil }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = pread(file.descriptor, &chunk, chunk.count, off_t(bytes.count)), count > 0 {
            bytes += chunk[..<count]
        }
        return bytes.isEmpty ? nil : bytes
    }
}
