extension Settings {
    /// The name of the upstream that `--upstream` makes.
    public static let flagUpstreamName = "default"

    /// Puts what the command line says in place of what the file says.
    mutating func apply(_ overrides: Overrides, _ decoder: inout Decoder) {
        if !overrides.listen.isEmpty {
            decoder.forget("listeners")
            listeners = overrides.listen.compactMap { text in
                decoder.read(text, as: .listening, flag: "--listen").map { Listener(address: $0) }
            }
        }
        if !overrides.upstreams.isEmpty { replaceUpstreams(by: overrides.upstreams, &decoder) }
        if let text = overrides.admin, let address = decoder.read(text, as: .listeningOrOff, flag: "--admin") {
            decoder.forget("admin", "address")
            admin.address = address
        }
        if let text = overrides.incidents, let path = decoder.read(text, as: .file, flag: "--incidents") {
            decoder.forget("incidents", "path")
            incidents.path = path
        }
        if let text = overrides.workers, let count = decoder.read(text, as: .workers, flag: "--workers") {
            decoder.forget("workers")
            workers = count
        }
    }

    private mutating func replaceUpstreams(by texts: [String], _ decoder: inout Decoder) {
        decoder.forget("upstreams")
        decoder.forget("routes")
        routes = []
        var upstream = Upstream(name: Self.flagUpstreamName, servers: [])
        for text in texts {
            guard let address = decoder.read(text, as: .server, flag: "--upstream") else { continue }
            if upstream.servers.contains(where: { $0.address == address }) {
                decoder.fail("the server \(address) is given twice", flag: "--upstream")
            }
            upstream.servers.append(.init(address: address))
        }
        upstreams = [upstream]
    }
}
