import Configuration

/// Keys of the configuration that this version reads and cannot honour. Refused: a key without effect would be a lie.
enum Unsupported {
    static func keys(of settings: Settings) -> [String] {
        var keys: [String] = []
        func note(_ key: String, _ isUsed: Bool) {
            if isUsed { keys.append(key) }
        }
        for listener in settings.listeners {
            note("listeners.protocols: [http2]", listener.protocols == [.http2])
        }
        for upstream in settings.upstreams {
            note("upstreams.\(upstream.name).protocol: http2", upstream.protocol == .http2)
        }
        return keys
    }
}
