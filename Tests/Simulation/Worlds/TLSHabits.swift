import Simulation

/// How clients and upstreams speak TLS. All of it is allowed, but for what spoils a handshake.
struct TLSHabits {
    /// What one end is like.
    struct End {
        /// TLS 1.2 alone, or whatever the other end likes better.
        var isOld = false
        /// Bytes of a record of its own.
        var recordBytesMax = 16_384
        /// Records, and messages of the handshake, are cut to 512 bytes by OpenSSL itself.
        var cutsHandshakes = false
        var paddingBlock = 0
        /// Before what it sends: new keys, for one side or both.
        var keyUpdatesPerMille = 0
        /// It ends without having said so, where nothing depends on it.
        var silentEndsPerMille = 0
        /// What a server's tickets carry beside the session.
        var ticketBytes = 0
        var offersProtocols = true

        init(_ random: inout SeededNumbers) {
            isOld = random.chance(perMille: 250)
            recordBytesMax = random.pick([16_384, 16_384, 4000, 500, 60, 7])
            cutsHandshakes = random.chance(perMille: 250)
            paddingBlock = random.pick([0, 0, 0, 64, 500])
            keyUpdatesPerMille = random.pick([0, 0, 30, 300])
            silentEndsPerMille = random.pick([0, 200, 1000])
            ticketBytes = random.pick([0, 0, 700, 3000])
            offersProtocols = random.chance(perMille: 700)
        }
    }

    /// nil: in cleartext. One of them is not.
    var clients: End?
    var upstreams: End?
    /// Connections to clients' side of which nothing good comes.
    var visitors = 0
    /// Handshakes that servers spoil, in the whole world: each request has one attempt more.
    var spoiledServers = 0
    /// Some of them by falling silent.
    var silentServers = false

    init(_ random: inout SeededNumbers) {
        let sides = random.pick([1, 2, 3, 3])
        if sides & 1 != 0 { clients = End(&random) }
        if sides & 2 != 0 { upstreams = End(&random) }
        if clients != nil { visitors = random.pick([0, 0, 1, 3]) }
        if upstreams != nil { spoiledServers = random.pick([0, 0, 1]) }
        silentServers = random.chance(perMille: 400)
    }

    /// Handshakes are as they should be.
    mutating func spoilNothing() { (visitors, spoiledServers, silentServers) = (0, 0, false) }

    /// Clients speak TLS. What they do in it comes in records that are not so small that its time limits are over before it is all there.
    mutating func useClients(_ random: inout SeededNumbers) {
        if clients == nil { clients = End(&random) }
        clients!.recordBytesMax = max(500, clients!.recordBytesMax)
        clients!.paddingBlock = min(64, clients!.paddingBlock)
    }

    /// What is wrong with an answer comes in a time in which one waits for it: its bytes are not many times more in records.
    mutating func hurryUpstreams() {
        guard upstreams != nil else { return }
        upstreams!.recordBytesMax = max(500, upstreams!.recordBytesMax)
        upstreams!.paddingBlock = min(64, upstreams!.paddingBlock)
    }

    /// Longest body that comes through such records in a time that nobody finds long.
    var bodyBytesMax: Int { min(clients?.recordBytesMax ?? 16_384, upstreams?.recordBytesMax ?? 16_384) * 300 }
}
