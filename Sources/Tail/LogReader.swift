import CZlib
import Glibc

/// An open file of a log, plain or compressed with gzip, read from front to back.
final class LogReader {
    /// What makes a file itself, whatever it is called.
    struct Identity: Hashable {
        let device: UInt64
        let number: UInt64
    }

    private static let chunkBytes = 256 << 10

    let name: String
    let identity: Identity
    let isCompressed: Bool
    private let descriptor: Int32
    private var compressed: gzFile?
    private var chunk = [UInt8](repeating: 0, count: chunkBytes)
    /// Bytes read of a plain file.
    private(set) var offset = 0

    init(_ path: String) throws(SourceFault) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SourceFault(path, errno: errno) }
        var status = stat()
        fstat(descriptor, &status)
        guard status.st_mode & S_IFMT != S_IFDIR else {
            close(descriptor)
            throw SourceFault(path, "is a folder")
        }
        name = path
        identity = Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
        self.descriptor = descriptor
        var magic: [UInt8] = [0, 0]
        isCompressed = pread(descriptor, &magic, 2, 0) == 2 && magic == [0x1F, 0x8B]
        if isCompressed { compressed = gzdopen(descriptor, "rb") }
    }

    deinit {
        if let compressed { gzclose(compressed) } else { close(descriptor) }
    }

    /// The next bytes; none at the end as it is now.
    func read() throws(SourceFault) -> ArraySlice<UInt8> {
        if let compressed {
            let count = gzread(compressed, &chunk, UInt32(Self.chunkBytes))
            // At an end that comes too early the rest is given, and then a fault.
            var fault: Int32 = 0
            if count == 0 { _ = gzerror(compressed, &fault) }
            guard count >= 0, fault >= 0 else { throw SourceFault(name, "is damaged: not all of it can be decompressed") }
            return chunk[..<Int(count)]
        }
        let count = Glibc.read(descriptor, &chunk, Self.chunkBytes)
        guard count >= 0 else { throw SourceFault(name, errno: errno) }
        offset += count
        return chunk[..<count]
    }

    var size: Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    func seek(to offset: Int) {
        guard !isCompressed, lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { return }
        self.offset = offset
    }

    /// Goes to where the last lines of a plain file begin; how many there are, at most `count`.
    func seekToLast(_ count: Int) -> Int {
        var end = size
        if count == 0 { seek(to: end) }
        guard !isCompressed, count > 0, end > 0 else { return 0 }
        var block = [UInt8](repeating: 0, count: 64 << 10)
        var ends = 0
        // The end of the last line begins no line.
        var last: UInt8 = 0
        if pread(descriptor, &last, 1, off_t(end - 1)) == 1, last == UInt8(ascii: "\n") { end -= 1 }
        while end > 0 {
            let start = max(0, end - block.count)
            let got = pread(descriptor, &block, end - start, off_t(start))
            guard got == end - start else { break }
            for index in stride(from: got - 1, through: 0, by: -1) where block[index] == UInt8(ascii: "\n") {
                ends += 1
                if ends == count {
                    seek(to: start + index + 1)
                    return count
                }
            }
            end = start
        }
        seek(to: 0)
        return ends + 1
    }

    /// The file that a path leads to now; nil for none.
    static func identity(of path: String) -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    }
}
