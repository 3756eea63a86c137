import Glibc

/// What the system says about this process. Nil where it does not say.
struct ProcessStatistics: Sendable {
    var cpuNanoseconds: UInt64 = 0
    var residentBytes: UInt64?
    var virtualBytes: UInt64?
    var openDescriptors: Int?
    var descriptorsMax: UInt64?
    /// Since the Unix epoch.
    var startNanoseconds: UInt64?

    static func read() -> ProcessStatistics {
        var result = ProcessStatistics()
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        result.cpuNanoseconds = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
        result.readStat()
        result.openDescriptors = countDescriptors()
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            result.descriptorsMax = UInt64(limit.rlim_cur)
        }
        return result
    }

    private mutating func readStat() {
        guard let stat = Self.text(ofFile: "/proc/self/stat"), let name = stat.utf8.lastIndex(of: UInt8(ascii: ")")) else {
            return
        }
        // The command's name may hold blanks; after it the fields of proc(5) go on with the third.
        let fields = stat[stat.index(after: name)...].split(separator: " ")
        guard fields.count > 21 else { return }
        virtualBytes = UInt64(fields[20])
        residentBytes = UInt64(fields[21]).map { $0 &* UInt64(sysconf(Int32(_SC_PAGESIZE))) }
        guard let ticks = UInt64(fields[19]), let boot = Self.bootSeconds() else { return }
        let rate = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        startNanoseconds = boot &* 1_000_000_000 &+ ticks / rate &* 1_000_000_000 &+ ticks % rate &* 1_000_000_000 / rate
    }

    private static func bootSeconds() -> UInt64? {
        guard let stat = text(ofFile: "/proc/stat") else { return nil }
        let line = stat.split(separator: "\n").first { $0.hasPrefix("btime ") }
        return line.flatMap { UInt64($0.dropFirst(6)) }
    }

    private static func countDescriptors() -> Int? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(directory) }
        var count = 0
        while let entry = unsafe readdir(directory) {
            if unsafe entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
        }
        return count - 1  // without the descriptor of the directory itself
    }

    private static func text(ofFile path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16384)
        while bytes.count < 1 << 20 {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
