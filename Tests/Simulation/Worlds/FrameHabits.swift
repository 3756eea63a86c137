import Simulation

/// What one side's HTTP/2 is like: windows, limits, and what else it may put between the frames that matter. All of it is allowed.
struct FrameHabits {
    /// SETTINGS_INITIAL_WINDOW_SIZE at first, and later on.
    var windowBytes = 65_535
    var laterWindowBytes: Int?
    /// What the connection's window is raised by.
    var moreConnectionBytes = 0
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    var streamsMax: Int?
    /// A server's SETTINGS come so late; its acknowledgements too.
    var settingsDelay: UInt64 = 0
    /// What has been read is acknowledged after so long.
    var creditDelay: UInt64 = 0
    /// Its own DATA frames.
    var dataBytesMax = Frame.payloadMax
    var padsPerMille = 0
    var splitsPerMille = 0
    /// PING, PRIORITY, SETTINGS of nothing, frames of an unknown type, empty DATA.
    var chatPerMille = 0
    /// A server refuses streams, and goes away in good order.
    var refusesPerMille = 0
    var goesAwayPerMille = 0
    /// Its SETTINGS say that it takes an extended CONNECT (RFC 8441).
    var takesTunnels = false
    /// Frames are made when the socket takes them: what its streams have to say waits there, and not in a buffer.
    var waitsForSocket = false
    /// Bodies are sent one after the other, the oldest stream's first (RFC 9218 section 10).
    var sendsInOrder = false

    init(isServer: Bool, isInnocent: Bool, _ random: inout SeededNumbers) {
        windowBytes = random.pick([65_535, 65_535, 65_535, 0, 1, 50, 1000, 1 << 20])
        if windowBytes < 1000 || random.chance(perMille: 200) {
            laterWindowBytes = random.pick([65_535, 65_535, 20, 3000, 1 << 20])
        }
        moreConnectionBytes = random.pick([0, 0, 100, 1 << 20])
        settingsDelay = random.pick([0, 0, random.upTo(3_000_000), random.upTo(40_000_000)])
        creditDelay = random.pick([0, 0, random.upTo(1_000_000), random.upTo(5_000_000)])
        dataBytesMax = random.pick([Frame.payloadMax, Frame.payloadMax, 1000, 100, 7])
        padsPerMille = random.pick([0, 0, 100, 500])
        splitsPerMille = random.pick([0, 0, 200])
        chatPerMille = random.pick([0, 0, 50])
        guard isServer else { return }
        streamsMax = random.pick([nil, nil, 100, 1, 2, 5])
        guard isInnocent else { return }
        refusesPerMille = random.pick([0, 0, 50])
        goesAwayPerMille = random.pick([0, 0, 100])
    }

    mutating func calm() {
        chatPerMille = 0
        padsPerMille = 0
        splitsPerMille = 0
    }

    /// The longest body that comes through such windows and frames in a time that nobody finds long.
    var bodyBytesMax: Int {
        let window = min(max(1, windowBytes), laterWindowBytes ?? .max)
        return min(window * 300, dataBytesMax * 1000, 300_000)
    }
}
