import CShim
import Glibc
import Proxy

/// A process that runs the proxy, as its supervisor sees it.
struct WorkerProcess {
    let process: Int32
    /// Our end of its `SupervisorLink`; -1 when it has closed its own.
    var link: Int32
    /// Serving; since when, on the monotonic clock.
    var readySince: UInt64?
    /// Sockets that it has sent, until it says that these are all.
    var sent: [NamedDescriptor] = []

    /// Orders what the signal stands for.
    func order(_ signal: Int32) {
        var packet = UInt8(truncatingIfNeeded: signal)
        if link >= 0 { _ = so_send_descriptor(link, &packet, 1, -1) }
    }

    enum News {
        case ready([NamedDescriptor])
        case refused
    }

    /// The next message from it; nil when there is nothing more for now.
    mutating func news() -> News? {
        while link >= 0 {
            var packet = [UInt8](repeating: 0, count: 1 + SupervisorLink.nameBytesMax)
            var descriptor: Int32 = -1
            let count = so_receive_descriptor(link, &packet, packet.count, &descriptor)
            if count == -Int(EINTR) { continue }
            if count == -Int(EAGAIN) { return nil }
            guard count > 0, let message = SupervisorLink.Message(rawValue: packet[0]) else {
                if descriptor >= 0 { _ = so_close(descriptor) }
                close()
                return nil
            }
            switch message {
            case .socket:
                guard descriptor >= 0 else { continue }
                sent.append(NamedDescriptor(name: String(decoding: packet[1..<count], as: UTF8.self), descriptor: descriptor))
            case .ready:
                defer { sent = [] }
                return .ready(sent)
            case .refused: return .refused
            }
        }
        return nil
    }

    mutating func close() {
        for socket in sent { _ = so_close(socket.descriptor) }
        sent = []
        if link >= 0 { _ = so_close(link) }
        link = -1
    }
}

/// How a process ended.
enum ProcessEnd: CustomStringConvertible {
    case exited(Int32)
    case killed(Int32)

    init(waitStatus: Int32) {
        self = waitStatus & 0x7f == 0 ? .exited(waitStatus >> 8 & 0xff) : .killed(waitStatus & 0x7f)
    }

    /// What its supervisor ends with, when there is nothing to supervise any more.
    var exitCode: Int32 {
        switch self {
        case .exited(let code): code
        case .killed: 1
        }
    }

    var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .killed(let signal): "signal \(signal) (\(String(cString: strsignal(signal))))"
        }
    }
}
