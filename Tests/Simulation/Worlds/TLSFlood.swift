import CPeerTLS
import Simulation

/// What a server has TLS do for nothing, without end, in the middle of what it says.
struct TLSFlood {
    enum Kind: CaseIterable { case keys, keysForBoth, tickets }

    let kind: Kind
    /// Behind so many bytes of its own: 0 for as soon as the handshake is over.
    let at: Int
    /// Of the longest more comes than one turn reads.
    let count: Int
    /// So many are too much (`so_tls_late_steps_burst`), whatever is earned meanwhile: each is three steps, a call for a new handshake one.
    static func surelyTooMany(isOld: Bool) -> Int { isOld ? 255 : 90 }
    static let within: UInt64 = 15_000_000_000

    /// - Parameter isSlow: what comes in drops is not long.
    init(ticketBytes: Int, isSlow: Bool, _ random: inout SeededNumbers) {
        kind = random.pick(isSlow ? [.keys, .keysForBoth] : Kind.allCases)
        at = random.pick([0, 1, random.below(200), random.below(20_000)])
        let most = isSlow || kind == .tickets && ticketBytes > 0 ? 300 : 3000
        count = min(most, random.pick([300, 300 + random.below(700), 3000]))
    }
}

/// One flood, as far as the worker reads it.
final class Flooding {
    /// Bytes on the connection where it begins, and where it is too much for certain.
    fileprivate var startsAt = 0
    fileprivate var surelyAt = 0
    private var begunAt: UInt64?
    private var isTooMuchAt: UInt64?
    /// Calls for new handshakes, of which OpenSSL takes no notice any more when the worker has sent its own end.
    fileprivate var isOld = false
    private var isEnded = false

    func listen(to socket: SimulatedSocket, _ network: SimulatedNetwork) {
        socket.isEnded = { [unowned self] in isEnded = true }
        socket.isRead = { [unowned self, unowned network] total in
            if begunAt == nil, total > UInt64(startsAt) { begunAt = network.time }
            if isTooMuchAt == nil, !(isOld && isEnded), total >= UInt64(surelyAt) { isTooMuchAt = network.time }
        }
    }

    /// Who has read so much of it gives the connection up for it, and counts that.
    var mustBeCounted: Bool {
        guard let begunAt, let isTooMuchAt else { return false }
        return isTooMuchAt - begunAt < TLSFlood.within
    }
    var mayBeCounted: Bool { begunAt != nil }
}

extension PeerTLS {
    /// All of the flood that is due, in records.
    func flood() -> [UInt8] {
        guard let flood = dueFlood, given >= flood.at, !isMute else { return [] }
        // OpenSSL asks for a new handshake behind something of its own, and while no record has come in part.
        if side.end.isOld, given == 0 || records.hasPart { return [] }
        dueFlood = nil
        let flooding = Flooding()
        flooding.startsAt = made
        flooding.isOld = side.end.isOld
        var output: [UInt8] = []
        for i in 0..<flood.count {
            if i == TLSFlood.surelyTooMany(isOld: side.end.isOld) { flooding.surelyAt = made }
            if side.end.isOld {
                so_peer_ask_again(ssl)
            } else if flood.kind == .tickets {
                so_peer_give_ticket(ssl)
            } else {
                so_peer_update_keys(ssl, flood.kind == .keysForBoth ? 1 : 0)
            }
            let one = step().output
            if one.isEmpty { world.fail("upstream: the world's own TLS makes no more of a flood than \(i)") }
            output += one
        }
        willSpoil()
        // The word that refuses a new handshake would be its end.
        if side.end.isOld { isMute = true }
        begins?(flooding)
        return output
    }
}
