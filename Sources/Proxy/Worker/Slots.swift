import EventLoop
import HTTP2
import Report

/// Connections and streams of clients, those to upstreams, and exchanges: each has a slab, and slots of its own sort.
typealias ClientSlot = Slot<ClientConnection>
typealias UpstreamSlot = Slot<UpstreamConnection>
typealias ExchangeSlot = Slot<Exchange>

/// A connection of either side.
enum ConnectionSlot: Equatable {
    case client(ClientSlot)
    case upstream(UpstreamSlot)

    var side: SideLabel {
        switch self {
        case .client: .client
        case .upstream: .upstream
        }
    }
}

/// A stream's tag in its session is its slot.
extension HTTP2Step {
    var clientSlot: ClientSlot { ClientSlot(tag) }
    var upstreamSlot: UpstreamSlot { UpstreamSlot(tag) }
}
