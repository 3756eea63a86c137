/// The routes of a configuration, laid out so that finding one takes a walk along the path and no allocation, however many there are.
///
/// A tree for each host: a node a path segment. Hosts and segments are found by one hash table over bytes.
struct RouteTable: Sendable {
    /// Lists of entries, -1 for none, by what the path looks like at this node.
    struct Node: BitwiseCopyable {
        var parent: Int32
        /// Path ends here, without and with a slash.
        var exact: Int32 = -1
        var exactSlash: Int32 = -1
        /// Path ends here or goes on below, and goes on below.
        var prefix: Int32 = -1
        var prefixSlash: Int32 = -1
    }

    struct Entry: BitwiseCopyable {
        var route: Int32
        var methods: MethodSet
        /// The next one in the list.
        var next: Int32 = -1
    }

    /// A host, or a child of a node: bytes under a parent.
    private struct Slot: BitwiseCopyable {
        var parent: Int32 = 0
        var value: Int32 = -1
        var start: UInt32 = 0
        var count: UInt32 = 0
    }

    struct Host: BitwiseCopyable {
        var root: Int32
        /// Its patterns, in the order of the configuration.
        var firstPattern: Int32 = 0
        var patternCount: Int32 = 0
    }

    /// Parents of hosts in the hash table.
    static let exactHosts: Int32 = -1
    static let wildcardHosts: Int32 = -2

    private(set) var nodes: [Node] = []
    private(set) var entries: [Entry] = []
    private(set) var hosts: [Host] = []
    /// The host that stands for every one, -1 when no route leaves it open.
    private(set) var anyHost: Int32 = -1
    private(set) var hasExactHosts = false
    private(set) var hasWildcardHosts = false
    private(set) var patterns: [(entry: Int32, pattern: PathPattern)] = []
    private var slots: [Slot] = []
    private var text: [UInt8] = []

    init(_ rules: [RouteRule]) {
        let segments = rules.reduce(0) { $0 + Self.pathText($1).split(separator: 0x2f).count + 1 }
        var size = 16
        while size < 2 * segments { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        // Routes for certain methods come before those for any, whatever their order.
        let order = rules.indices.sorted {
            (rules[$0].methods.isEmpty ? 1 : 0, $0) < (rules[$1].methods.isEmpty ? 1 : 0, $1)
        }
        var patternRules: [[Int]] = []
        for index in order {
            let host = self.host(of: rules[index])
            while patternRules.count < hosts.count { patternRules.append([]) }
            if case .pattern = rules[index].path {
                patternRules[Int(host)].append(index)
            } else {
                add(rules[index], index, host)
            }
        }
        for (host, indices) in patternRules.enumerated() {
            hosts[host].firstPattern = Int32(patterns.count)
            hosts[host].patternCount = Int32(indices.count)
            for index in indices.sorted() {
                guard case .pattern(let pattern) = rules[index].path else { continue }
                entries.append(Entry(route: Int32(index), methods: MethodSet(rules[index].methods)))
                patterns.append((Int32(entries.count - 1), pattern))
            }
        }
    }

    /// The value of these bytes under a parent, -1 when there is none.
    @inline(__always)
    func find(_ parent: Int32, _ bytes: UnsafePointer<UInt8>, _ count: Int, hash: UInt32) -> Int32 {
        var place = Self.place(parent, hash)
        while true {
            let slot = slots[Int(place) & (slots.count - 1)]
            guard slot.value >= 0 else { return -1 }
            if slot.parent == parent, Int(slot.count) == count, unsafe equals(slot, bytes) { return slot.value }
            place &+= 1
        }
    }

    private func equals(_ slot: Slot, _ bytes: UnsafePointer<UInt8>) -> Bool {
        for i in 0..<Int(slot.count) where unsafe text[Int(slot.start) + i] != bytes[i] { return false }
        return true
    }

    static let hashSeed: UInt32 = 2_166_136_261

    /// FNV-1a, a byte at a time.
    @inline(__always)
    static func hash(_ hash: UInt32, _ byte: UInt8) -> UInt32 { (hash ^ UInt32(byte)) &* 16_777_619 }

    @inline(__always)
    private static func place(_ parent: Int32, _ hash: UInt32) -> UInt32 {
        let mixed = (hash ^ UInt32(bitPattern: parent) &* 0x9e37_79b1) &* 0x85eb_ca6b
        return mixed ^ mixed >> 15
    }

    // MARK: Building

    private static func pathText(_ rule: RouteRule) -> [UInt8] {
        switch rule.path {
        case .exact(let path), .prefix(let path): PathReading.literal(path)
        case .pattern: []
        }
    }

    private mutating func host(of rule: RouteRule) -> Int32 {
        if rule.host.isEmpty {
            if anyHost < 0 { anyHost = newHost() }
            return anyHost
        }
        let isWildcard = rule.host.hasPrefix("*.")
        if isWildcard { hasWildcardHosts = true } else { hasExactHosts = true }
        let parent = isWildcard ? Self.wildcardHosts : Self.exactHosts
        return child(of: parent, Array((isWildcard ? String(rule.host.dropFirst(2)) : rule.host).utf8)) { $0.newHost() }
    }

    private mutating func newHost() -> Int32 {
        nodes.append(Node(parent: -1))
        hosts.append(Host(root: Int32(nodes.count - 1)))
        return Int32(hosts.count - 1)
    }

    private mutating func child(of parent: Int32, _ bytes: [UInt8], make: (inout RouteTable) -> Int32) -> Int32 {
        let hash = bytes.reduce(Self.hashSeed) { Self.hash($0, $1) }
        let found = unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe bytes.baseAddress.map { unsafe find(parent, $0, bytes.count, hash: hash) } ?? -1
        }
        if found >= 0 { return found }
        let value = make(&self)
        var place = Self.place(parent, hash)
        while slots[Int(place) & (slots.count - 1)].value >= 0 { place &+= 1 }
        slots[Int(place) & (slots.count - 1)] = Slot(
            parent: parent, value: value, start: UInt32(text.count), count: UInt32(bytes.count))
        text += bytes
        return value
    }

    private mutating func add(_ rule: RouteRule, _ index: Int, _ host: Int32) {
        let path = Self.pathText(rule)
        var node = hosts[Int(host)].root
        for segment in path.split(separator: 0x2f) {
            let parent = node
            node = child(of: parent, Array(segment)) { table in
                table.nodes.append(Node(parent: parent))
                return Int32(table.nodes.count - 1)
            }
        }
        let list: WritableKeyPath<Node, Int32>
        switch rule.path {
        case .exact: list = path.last == 0x2f ? \.exactSlash : \.exact
        case .prefix, .pattern: list = path.last == 0x2f ? \.prefixSlash : \.prefix
        }
        entries.append(Entry(route: Int32(index), methods: MethodSet(rule.methods)))
        append(Int32(entries.count - 1), to: list, of: Int(node))
    }

    /// Adds an entry after those of its list: the first one added is asked first.
    private mutating func append(_ entry: Int32, to list: WritableKeyPath<Node, Int32>, of node: Int) {
        var last = nodes[node][keyPath: list]
        guard last >= 0 else { return nodes[node][keyPath: list] = entry }
        while entries[Int(last)].next >= 0 { last = entries[Int(last)].next }
        entries[Int(last)].next = entry
    }
}
