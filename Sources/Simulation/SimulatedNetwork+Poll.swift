import Glibc

/// Waiting as poll does: whoever asks is told what is so, as often as it is.
extension SimulatedNetwork {
    func poll(_ entries: UnsafeMutablePointer<pollfd>, _ count: Int, milliseconds: Int, poll: Int) -> Int {
        let asked = UnsafeMutableBufferPointer(start: entries, count: count)
        for entry in asked where entry.fd >= 0 {
            socket(entry.fd).poll = poll
            socket(entry.fd).isRegistered = true
        }
        var isFirst = true
        return wait(milliseconds, poll) {
            defer { isFirst = false }
            // Wake-ups only end the wait.
            polls[poll].ready.removeAll()
            var ready = 0
            for place in asked.indices where asked[place].fd >= 0 {
                asked[place].revents = socket(asked[place].fd).readiness(asked[place].events)
                if asked[place].revents != 0 { ready += 1 }
            }
            return isFirst ? troubles.disturb(asked, ready, &random) : ready
        }
    }

    // MARK: Threads

    /// Another thread: it has its turns beside the others, as whoever drives them says.
    public func makeThread() -> SimulatedThread {
        polls.append(SimulatedPoll())
        return SimulatedThread(self, poll: polls.count - 1)
    }

    /// The thread whose kernel the network itself is has ended.
    public func endFirstThread() { endThread(0) }

    func endThread(_ poll: Int) { polls[poll] = SimulatedPoll(isWaiting: true) }

    // MARK: Threads that wait

    /// The earliest of all threads.
    var deadline: UInt64 { polls.reduce(UInt64.max) { min($0, $1.deadline) } }

    /// Whether nobody else has something to do before this thread's wait goes on.
    func mayWait(_ poll: Int, _ isFirst: Bool) -> Bool {
        if isFirst, polls[poll].deadline <= time { return false }
        polls[poll].isWaiting = true
        for place in polls.indices where !polls[place].ready.isEmpty { polls[place].isWaiting = false }
        return polls.allSatisfy(\.isWaiting)
    }
}
