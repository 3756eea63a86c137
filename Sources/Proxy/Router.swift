import Wire

/// Finds a request's route: by host (exact before wildcard before any), then by the longest path prefix.
struct Router: Sendable {
    private struct Entry: Sendable {
        var host: [UInt8]
        /// Every name below `host` rather than `host` itself.
        var isWildcard: Bool
        var prefix: [UInt8]
        var index: Int
        /// Matches every request.
        var isCatchAll: Bool
    }

    private let entries: [Entry]

    init(_ routes: [Plan.Route]) {
        func rank(_ entry: Entry) -> (Int, Int, Int) {
            (entry.host.isEmpty ? 2 : entry.isWildcard ? 1 : 0, -entry.host.count, -entry.prefix.count)
        }
        entries = routes.enumerated().map { i, route in
            let isWildcard = route.host.hasPrefix("*.")
            let host = Array((isWildcard ? String(route.host.dropFirst()) : route.host).utf8)
            let prefix = Array(route.pathPrefix.utf8)
            return Entry(
                host: host, isWildcard: isWildcard, prefix: prefix, index: i, isCatchAll: host.isEmpty && prefix == [0x2f])
        }.sorted { rank($0) < rank($1) }
    }

    /// Index of the route, nil when none matches. `host` may carry a port; `path` is the target's.
    func route(host: UnsafeBufferPointer<UInt8>, path: UnsafeBufferPointer<UInt8>) -> Int? {
        for i in entries.indices where entries[i].isCatchAll || matches(entries[i], host, path) { return entries[i].index }
        return nil
    }

    private func matches(_ entry: Entry, _ host: UnsafeBufferPointer<UInt8>, _ path: UnsafeBufferPointer<UInt8>) -> Bool {
        guard path.count >= entry.prefix.count, entry.prefix.indices.allSatisfy({ path[$0] == entry.prefix[$0] }) else {
            return false
        }
        // `/api` is `/api` and what lies below it, not `/apiary`.
        if entry.prefix.last != 0x2f, path.count > entry.prefix.count {
            let next = path[entry.prefix.count]
            guard next == 0x2f || next == 0x3f else { return false }
        }
        if entry.host.isEmpty { return true }
        let name = hostWithoutPort(host)
        guard entry.isWildcard ? name.count > entry.host.count : name.count == entry.host.count else { return false }
        let start = name.count - entry.host.count
        return entry.host.indices.allSatisfy { i in
            let byte = name[start + i]
            return (byte &- 0x41 < 26 ? byte | 0x20 : byte) == entry.host[i]
        }
    }

    private func hostWithoutPort(_ host: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var end = host.count
        while end > 0, host[end - 1] &- 0x30 < 10 { end -= 1 }
        guard end > 0, end < host.count, host[end - 1] == 0x3a else { return host }
        return UnsafeBufferPointer(rebasing: host[..<(end - 1)])
    }
}
