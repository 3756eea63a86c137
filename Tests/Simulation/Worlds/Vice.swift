/// What a client of HTTP/2 does that it must not, or that nobody should have to bear.
enum Vice: CaseIterable {
    // Allowed, or merely too much: nobody is to be accused of it.
    /// Resets its streams, whatever has come of them; opens and resets them as fast as it can; opens more than it may.
    case resets, rapidResets, greed
    /// Header blocks that are too large.
    case largeHeads
    case pings, settings, emptyData, windowUpdates, priorities, unknownFrames
    case goesAway
    /// Takes nothing: its windows stay shut, or open by a byte; it does not read.
    case shutWindows, narrowWindows, deafness
    /// Is gone in the middle of a frame.
    case cut

    // Against the rules.
    case lateFrames, idleFrames
    /// A header block that never ends, or in the middle of which something else comes.
    case endlessHeads, interruptedHeads
    case badWindows, badFrames, badHeads, badPreface, garbage
    /// More than content-length says, less, a second header block.
    case longBodies, shortBodies, secondHeads

    var breaksRules: Bool {
        switch self {
        case .resets, .rapidResets, .greed, .largeHeads, .pings, .settings, .emptyData, .windowUpdates, .priorities,
            .unknownFrames, .goesAway, .shutWindows, .narrowWindows, .deafness, .cut:
            false
        default: true
        }
    }
}
