import EventLoop
import Glibc
import Report

/// A listening socket of one worker.
struct ListenerSocket {
    var fd: Int32
    var index: Int
    /// False once it has been closed; its index stays taken, as clients name it.
    var isOpen = true
}

/// Listening sockets and the mailbox: watched, and left alone while there are no descriptors.
extension Worker {
    package mutating func addListener(fd: Int32, index: Int) -> Int32 {
        let place = listeners.add(ListenerSocket(fd: fd, index: index))
        // What a service manager opened may lack it.
        kernel.noDelay(fd)
        // Level-triggered: a turn that does not accept everything is reminded.
        return loop.register(fd, EventTag(.listener, slot: place), edge: false)
    }

    /// Descriptors have run out: listening sockets are left alone for a while, so that nothing spins.
    mutating func pauseAccepting() {
        guard case .begins(let isNews) = listeners.pause(now: now) else { return }
        for place in listeners.open { loop.unregister(listeners[place].fd) }
        if isNews { fleetState.log.warning("accepting paused: out of file descriptors or memory") }
    }

    /// Accepts again, once there is a descriptor for a client.
    mutating func resumeAccepting() {
        guard departure.isLeaving || fleetState.hasRoomForClient else {
            _ = listeners.pause(now: now)
            return
        }
        listeners.resume()
        guard !departure.isLeaving else { return }
        for place in listeners.open {
            _ = loop.register(listeners[place].fd, EventTag(.listener, slot: Int32(place)), edge: false)
        }
    }

    mutating func watchMailbox() {
        _ = loop.register(fleetState.mailboxes[index].fd, EventTag(.mailbox), edge: false)
    }
}
