import Glibc

/// What a call of the system was refused with.
struct SystemError: Error {
    /// As CShim returns it: -errno.
    let result: Int32

    var reason: String { String(cString: strerror(-result)) }
}
