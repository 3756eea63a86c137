import Glibc
import Records

/// A source that cannot be read, and why.
public struct SourceFault: Error, CustomStringConvertible {
    public let description: String

    init(_ name: String, _ reason: String) { description = "\(Printable.text(name)): \(reason)" }

    /// With the system's word for an error number.
    init(_ name: String, errno number: Int32) { self.init(name, String(cString: strerror(number))) }
}
