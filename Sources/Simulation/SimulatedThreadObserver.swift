/// Who sees what a thread does with its sockets, as it does it.
public protocol SimulatedThreadObserver: AnyObject {
    func willConnect(_ address: String)
    /// What came of that: a descriptor, or -errno.
    func hasConnected(_ result: Int32)
    /// Bytes that it got, 0 for the end.
    func hasRead(_ fd: Int32, _ count: Int)
    /// What a call has failed with, other than that it would have to wait; also the error of a connect.
    func hasFailed(_ fd: Int32, _ error: Int32)
    func hasClosed(_ fd: Int32)
}
