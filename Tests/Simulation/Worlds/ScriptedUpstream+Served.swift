/// What a connection's server remembers: requests with their answers, and what it has sent behind one.
extension ScriptedUpstream {
    /// Bytes that were sent behind an answer's end.
    struct Stray {
        var fault: Fault
        var guilty: Served
        var bytes: Int
        /// It has its request's mark; answers before it on the connection have had theirs.
        var isMarked = false
        var hasEchoed = false
        /// Whether they left with the answer's last bytes.
        var isAtOnce: Bool
        /// The requests that reached the upstream after the guilty one.
        var others: [Served] = []
        /// It was written into the middle of another answer, and may be a part of it.
        var isInside = false
        /// Bytes of that one had been written before it.
        var isBehindBytes = false
    }

    /// One request of this connection and its answer.
    final class Served {
        let story: Story
        let ordinal: Int
        var script: AnswerScript
        var seen = 0
        var isWhole = false
        var isAnswering = false
        var hasBegun = false
        var isAnswered = false
        let mark: String
        init(_ story: Story, ordinal: Int, script: AnswerScript, mark: String) {
            self.story = story
            self.ordinal = ordinal
            self.script = script
            self.mark = mark
        }
    }
}
