/// Who goes on where the workers of an earlier plan leave off.
package final class Succession: Sendable {
    let mailboxes: [Mailbox]
    /// For each of the earlier plan's listeners: which of the new plan's it is, -1 when it is gone.
    let listeners: [Int]

    init(mailboxes: [Mailbox], listeners: [Int]) {
        self.mailboxes = mailboxes
        self.listeners = listeners
    }

    /// The workers of a fleetState, who have all the listeners.
    package convenience init(_ fleetState: FleetState, listeners: Int) {
        self.init(mailboxes: fleetState.mailboxes, listeners: Array(0..<listeners))
    }
}

/// A client's connection on its way from one worker to another: idle, with nothing received or to be sent.
struct MovedClient: @unchecked Sendable {
    var connection: ClientConnection
}
