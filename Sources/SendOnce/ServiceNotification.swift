import CShim
import Glibc

/// Reports our state to the service manager, as sd_notify(3) does: one datagram to the socket that `NOTIFY_SOCKET` names.
struct ServiceNotification {
    private let path: String?

    init() { path = getenv("NOTIFY_SOCKET").map { String(cString: $0) } }

    func send(_ lines: String) {
        guard let path, !path.isEmpty else { return }
        _ = so_send_datagram(path, lines, lines.utf8.count)
    }
}
