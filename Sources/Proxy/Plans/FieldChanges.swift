import Configuration
import Wire

/// What a route does to the fields of a header block: names whose lines are taken out, and lines that are added.
///
/// Made once a configuration. Its bytes stay where they are, so that writing them copies nothing else.
public final class FieldChanges: @unchecked Sendable {
    /// Lines to add, each with its CRLF.
    let lines: UnsafeBufferPointer<UInt8>
    /// The value of a Host field to be set; empty when the request's own is kept.
    let host: UnsafeBufferPointer<UInt8>
    /// Lower-case names, each after its length in two bytes.
    private let names: UnsafeBufferPointer<UInt8>
    /// Bits of `FieldName` that the proxy itself must not write.
    private let replaced: UInt32

    /// Nil when nothing is changed.
    public init?(_ changes: Settings.Route.HeaderChanges) {
        guard !changes.set.isEmpty || !changes.remove.isEmpty else { return nil }
        var lines: [UInt8] = []
        var names: [UInt8] = []
        var replaced: UInt32 = 0
        var host: [UInt8] = []
        for name in changes.remove + changes.set.map(\.name) {
            let bytes = Array(name.lowercased().utf8)
            names += [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
            let known = bytes.withUnsafeBufferPointer { FieldName($0.baseAddress!, count: $0.count) }
            replaced |= 1 << UInt32(known.rawValue)
        }
        for field in changes.set {
            if field.name.lowercased() == "host" {
                host = Array(field.value.utf8)
            } else {
                lines += "\(field.name): \(field.value)\r\n".utf8
            }
        }
        self.lines = Self.kept(lines)
        self.host = Self.kept(host)
        self.names = Self.kept(names)
        self.replaced = replaced
    }

    deinit {
        lines.deallocate()
        host.deallocate()
        names.deallocate()
    }

    private static func kept(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
        let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = memory.initialize(from: bytes)
        return UnsafeBufferPointer(memory)
    }

    /// Whether the proxy leaves out the line of this name that it would write itself.
    func replaces(_ name: FieldName) -> Bool { replaced & (1 << UInt32(name.rawValue)) != 0 && name != .other }

    /// Whether lines of this name are taken out or set anew.
    func names(_ name: StaticString) -> Bool { isNamed(name.utf8Start, name.utf8CodeUnitCount) }

    /// Leaves the lines of the block out that are taken out or set anew.
    func drop(_ block: inout HeaderBlock) {
        for i in 0..<block.count where !block.fields[i].isDropped {
            block.fields[i].isDropped = isNamed(block.base + Int(block.fields[i].start), Int(block.fields[i].nameCount))
        }
    }

    private func isNamed(_ name: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var at = 0
        while at < names.count {
            let length = Int(names[at]) << 8 | Int(names[at + 1])
            if length == count {
                var i = 0
                while i < count, (name[i] &- 0x41 < 26 ? name[i] | 0x20 : name[i]) == names[at + 2 + i] { i += 1 }
                if i == count { return true }
            }
            at += 2 + length
        }
        return false
    }
}
