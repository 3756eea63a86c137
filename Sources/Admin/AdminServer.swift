import CShim
import Glibc
import Report
import Synchronization

/// The admin endpoint: a small HTTP/1.1 server with a thread of its own, so that no scrape can hold up traffic.
public final class AdminServer: Sendable {
    /// It could not be started.
    public struct StartError: Error, CustomStringConvertible {
        public var address: String
        public var reason: String
        public var description: String { "cannot start the admin endpoint on \(address): \(reason)" }
    }

    /// What is really bound, `127.0.0.1:40123` or `unix:/path`.
    public let address: String
    private let wakeUp: WakeUp
    private let thread: NamedThread
    private let isStopped = Atomic(false)

    /// The listening socket, to be left to another process.
    public let descriptor: Int32

    /// Listens on `host:port` (port 0 allowed), `[v6]:port`, `:port` or `unix:/path` and serves until `stop`. An inherited
    /// socket listens there already.
    public init(address: String, inherited: Int32? = nil, sources: AdminSources) throws(StartError) {
        let socket: AdminSocket
        do throws(AdminSocket.Failure) {
            socket = try AdminSocket(address, inherited: inherited)
        } catch {
            throw StartError(address: address, reason: error.reason)
        }
        guard let wakeUp = WakeUp() else {
            socket.close()
            throw StartError(address: address, reason: "no descriptor to wake it with")
        }
        let loop = AdminLoop(
            socket: socket, wakeUp: wakeUp, routes: AdminRoutes(sources: sources, admitted: AdmittedHosts(address: address)))
        guard let thread = NamedThread("admin", { loop.run() }) else {
            socket.close()
            throw StartError(address: address, reason: "no thread for it")
        }
        self.address = socket.address
        descriptor = socket.descriptor
        self.wakeUp = wakeUp
        self.thread = thread
    }

    deinit { stop() }

    /// Closes the socket and every connection, streams too. A Unix socket's file stays when another process goes on with it.
    public func stop(removingFile: Bool = true) {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        wakeUp.stop(removingFile: removingFile)
        thread.join()
    }
}
