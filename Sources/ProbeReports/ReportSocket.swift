import CShim
import Glibc
import Report
import Synchronization

/// The Unix socket that takes the probe's reports, on a thread of its own.
public final class ReportSocket: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    static let connectionsMax = 256
    static let readBytes = 64 << 10
    /// How often what waits for its other half is looked at.
    static let tickMilliseconds: Int32 = 50
    /// So many rounds of reading may leave something unread before what waits is looked at all the same.
    static let behindMax = 16

    /// As many are let in before the others are read again.
    static let acceptedMax = 64

    private struct Connection {
        var descriptor: Int32
        /// When it was let in, or last said something.
        var heardNanoseconds: UInt64
        var lines = ReportLines()
    }

    public let path: String
    private let recorder: IncidentRecorder
    private let listener: Int32
    private let wakeUp: Int32
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<NamedThread?>(nil)

    /// Listens at the path; a socket that nobody listens at any more is replaced.
    public init(path: String, recorder: IncidentRecorder) throws(Failure) {
        self.path = path
        self.recorder = recorder
        wakeUp = so_eventfd()
        var address = sockaddr_storage()
        guard wakeUp >= 0, !path.isEmpty, unsafe so_unix_address(path, &address) > 0 else {
            throw Failure(description: "\(path) is not a path that a socket can have")
        }
        listener = so_socket(AF_UNIX)
        var status = stat()
        if unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK { unsafe unlink(path) }
        guard listener >= 0, unsafe so_bind(listener, &address, so_address_length(&address)) >= 0, so_listen(listener, 64) >= 0
        else {
            throw Failure(description: unsafe "cannot listen on unix:\(path): \(String(cString: strerror(errno)))")
        }
        unsafe chmod(path, 0o660)
        let started = NamedThread("probe") { [unowned self] in serve() }
        guard let started else { throw Failure(description: "no thread for the probe's reports") }
        thread.withLock { $0 = started }
    }

    /// Ends the thread; what has come is recorded first.
    public func stop(removingFile: Bool = true) {
        stopping.store(true, ordering: .relaxed)
        var one: UInt64 = 1
        _ = unsafe so_write(wakeUp, &one, 8)
        thread.withLock { $0 }?.join()
        if removingFile { unsafe unlink(path) }
        so_close(listener)
        so_close(wakeUp)
    }

    private func serve() {
        var connections: [Connection] = []
        let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.readBytes)
        defer { unsafe buffer.deallocate() }
        var isLast = false
        var behind = 0
        var mayAccept = true
        while !isLast {
            // What waits is given up as of now: a report that was sent by then is read before that, however long this thread waits for a processor.
            let time = WallTime.monotonicNanoseconds()
            isLast = stopping.load(ordering: .relaxed)
            var waited = ([wakeUp, mayAccept ? listener : -1] + connections.map(\.descriptor)).map {
                pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
            }
            _ = unsafe poll(&waited, nfds_t(waited.count), isLast ? 0 : Self.tickMilliseconds)
            var isBehind = waited[1].revents != 0
            mayAccept = true
            for place in connections.indices.reversed() where waited[place + 2].revents != 0 {
                let count = unsafe read(&connections[place], buffer)
                if let count, count > 0 { connections[place].heardNanoseconds = time }
                if count == 0 {
                    so_close(connections[place].descriptor)
                    connections.remove(at: place)
                }
                if count == Self.readBytes { isBehind = true }
            }
            if waited[1].revents != 0 { mayAccept = unsafe accept(&connections, buffer, time) }
            behind = isBehind && behind < Self.behindMax ? behind + 1 : 0
            if behind == 0 { recorder.settle(asOf: time) }
        }
        for connection in connections { so_close(connection.descriptor) }
        recorder.settle()
    }

    /// False where a descriptor or memory is lacking: who wants in stays there, and would wake us at once.
    private func accept(_ connections: inout [Connection], _ buffer: UnsafeMutablePointer<UInt8>, _ time: UInt64) -> Bool {
        for _ in 0..<Self.acceptedMax {
            var address = sockaddr_storage()
            let descriptor = unsafe so_accept(listener, &address)
            guard descriptor >= 0 else { return [-EAGAIN, -EINTR, -ECONNABORTED].contains(descriptor) }
            if connections.count == Self.connectionsMax { unsafe makeRoom(in: &connections, buffer) }
            connections.append(Connection(descriptor: descriptor, heardNanoseconds: time))
        }
        return true
    }

    /// Who has been silent longest loses its place: those that hold theirs and say nothing would silence all others. Nothing is lost of a probe: what it has
    /// written is read, from then on it cannot write, and its next report comes on a connection of its own.
    private func makeRoom(in connections: inout [Connection], _ buffer: UnsafeMutablePointer<UInt8>) {
        guard let place = connections.indices.min(by: { connections[$0].heardNanoseconds < connections[$1].heardNanoseconds })
        else { return }
        so_shutdown_read(connections[place].descriptor)
        while let count = unsafe read(&connections[place], buffer), count > 0 {}
        if connections[place].lines.isWithinLine { recorder.metrics.countProbeReports(.invalid) }
        recorder.metrics.countProbeReports(.refused)
        so_close(connections[place].descriptor)
        connections.remove(at: place)
    }

    /// Bytes read; 0 when the connection has ended, nil when nothing has come. One read: whoever sends without end does not keep others waiting.
    private func read(_ connection: inout Connection, _ buffer: UnsafeMutablePointer<UInt8>) -> Int? {
        let count = unsafe so_read(connection.descriptor, buffer, Self.readBytes)
        guard count > 0 else { return count == Int(-EAGAIN) || count == Int(-EINTR) ? nil : 0 }
        let before = connection.lines.tooLong
        for line in unsafe connection.lines.receive(Array(UnsafeBufferPointer(start: buffer, count: count))[...]) {
            guard let report = ReportParser.parse(line) else {
                recorder.metrics.countProbeReports(.invalid)
                continue
            }
            recorder.metrics.countProbeReports(.taken)
            recorder.receive(report)
        }
        if connection.lines.tooLong > before { recorder.metrics.countProbeReports(.invalid) }
        return count
    }
}
