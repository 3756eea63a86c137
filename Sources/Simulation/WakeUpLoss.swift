/// Loses one wake-up of all, and knows whether that was noticed.
struct WakeUpLoss {
    /// Wake-ups so far.
    private(set) var wakeUps = 0
    /// The number of the one that is to be lost, from 1.
    var lost: Int?
    /// What was lost, in words.
    private(set) var facts = ""
    /// The socket whose wake-up was lost although there was something to do, and that has not been woken since.
    private var socket: SimulatedSocket?

    /// The lost one was needed, and no later one has made up for it.
    var isForGood: Bool { socket != nil }

    /// Whether this wake-up passes.
    mutating func passes(_ woken: SimulatedSocket) -> Bool {
        wakeUps += 1
        guard wakeUps == lost else {
            if woken === socket { socket = nil }
            return true
        }
        if woken.needsWakeUp {
            socket = woken
            facts = "descriptor \(woken.descriptor), \(woken.unreadBytes) bytes, flags \(woken.pollFlags)"
        }
        return false
    }
}
