import Wire

/// Finds a request's route. One a worker: it owns the memory in which it reads paths and writes new ones.
///
/// By host: the exact name, then wildcards from the longest, then routes for any host. Within a host: the exact path, then
/// patterns in the order of the configuration, then the longest prefix. A route that does not serve the method is passed over.
@safe public struct Router: ~Copyable {
    public enum Outcome: Equatable {
        case route(Int)
        case noRoute
        /// The path is known; `allowed` says for which methods.
        case methodNotAllowed
        /// Servers read the path in ways that lead to different routes.
        case ambiguous
        /// A pattern took more steps than it may.
        case tooCostly
    }

    /// Host names are at most so long (RFC 1035 section 2.3.4); a longer one is no name of ours.
    static let hostBytesMax = 255

    private let table: RouteTable
    private let customMethods: [[[UInt8]]]
    private var matcher = unsafe PatternMatcher()
    let bytesMax: Int
    /// The path as routes read it, when that is not as it stands.
    private let reading: UnsafeMutablePointer<UInt8>
    private let host: UnsafeMutablePointer<UInt8>
    /// The request's target as it goes on, when that is not as it came.
    let rewritten: UnsafeMutablePointer<UInt8>
    /// Where the reading of the last path routed stands, for captures.
    private var read = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    /// Methods that the last path could have been asked with.
    public private(set) var allowed: MethodSet = []
    /// Bytes at the front of the last target that must not go on: slashes without which nobody takes what follows for a host.
    public private(set) var excess = 0

    /// `bytesMax`: the longest target that a request may have, or be given.
    public init(_ rules: [RouteRule], bytesMax: Int) {
        table = RouteTable(rules)
        customMethods = rules.map { $0.methods.map { Array($0.utf8) } }
        self.bytesMax = bytesMax
        unsafe reading = .allocate(capacity: bytesMax)
        unsafe rewritten = .allocate(capacity: bytesMax)
        unsafe host = .allocate(capacity: Self.hostBytesMax)
    }

    deinit {
        unsafe reading.deallocate()
        unsafe rewritten.deallocate()
        unsafe host.deallocate()
    }

    /// The route of a request. `host` may carry a port; `target` is path and query, or `*`, and stays where it is until a
    /// new target has been made of it.
    public mutating func route(
        host: UnsafeBufferPointer<UInt8>, target: UnsafeBufferPointer<UInt8>, method: Method,
        methodText: UnsafeBufferPointer<UInt8>
    ) -> Outcome {
        let hostCount = unsafe table.hasExactHosts || table.hasWildcardHosts ? readHost(host) : 0
        let path = unsafe Self.path(of: target)
        excess = 0
        guard unsafe !PathReading.isPlain(path), unsafe path[0] == 0x2f, path.count <= bytesMax else {
            unsafe read = unsafe path
            return unsafe find(hostCount, path, method, methodText)
        }
        var doubts = PathReading.Doubts()
        let literal = unsafe findAs(.literal, hostCount, path, method, methodText, &doubts)
        guard !doubts.isEmpty else { return literal }
        guard unsafe agree(on: literal, hostCount, path, method, methodText, doubts) else { return .ambiguous }
        if let start = unsafe PathReading.startBehindHost(path),
            unsafe !isSafe(path, start, literal, hostCount, method, methodText)
        {
            return .ambiguous
        }
        // Captures and allowed methods are those of the literal reading.
        return unsafe findAs(.literal, hostCount, path, method, methodText, &doubts)
    }

    /// Whether every further reading of the path leads to the same outcome.
    private mutating func agree(
        on outcome: Outcome, _ hostCount: Int, _ path: UnsafeBufferPointer<UInt8>, _ method: Method,
        _ methodText: UnsafeBufferPointer<UInt8>, _ doubts: PathReading.Doubts
    ) -> Bool {
        var agree = true
        var unused = doubts
        doubts.eachReading { reading in
            agree = unsafe findAs(reading, hostCount, path, method, methodText, &unused) == outcome
            return !agree
        }
        return agree
    }

    /// Whether a path with two slashes at the front, whose route is `literal`, may go on although some read a host in it.
    ///
    /// It may where they come to the same route. Where they come to that of the root, as with a careless `//api/x`, it may go on with
    /// one slash, which everybody reads alike. Elsewhere it is a way round a route.
    private mutating func isSafe(
        _ path: UnsafeBufferPointer<UInt8>, _ start: Int, _ literal: Outcome, _ hostCount: Int, _ method: Method,
        _ methodText: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        let rest = unsafe UnsafeBufferPointer(rebasing: path[start...])
        var doubts = PathReading.Doubts()
        let behind = unsafe findAs(.literal, hostCount, rest, method, methodText, &doubts)
        // A backward slash is one for whoever reads a host here.
        if unsafe rest.first == 0x5c { doubts.insert(.slashes) }
        guard unsafe agree(on: behind, hostCount, rest, method, methodText, doubts) else { return false }
        if behind == literal { return true }
        let root: [UInt8] = [0x2f]
        let atRoot = unsafe root.withUnsafeBufferPointer { unsafe find(hostCount, $0, method, methodText) }
        guard behind == atRoot, unsafe path[1] == 0x2f else { return false }
        while excess + 1 < path.count, unsafe path[excess + 1] == 0x2f { excess += 1 }
        return true
    }

    /// The path without the query.
    static func path(of target: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var end = 0
        while end < target.count, unsafe target[end] != 0x3f { end += 1 }
        return unsafe UnsafeBufferPointer(rebasing: target[..<end])
    }

    /// What a group of the route's pattern captured, percent-encoding undone.
    func capture(_ number: Int) -> UnsafeBufferPointer<UInt8> { unsafe matcher.group(number, in: read) }

    private mutating func findAs(
        _ kind: PathReading, _ hostCount: Int, _ path: UnsafeBufferPointer<UInt8>, _ method: Method,
        _ methodText: UnsafeBufferPointer<UInt8>, _ doubts: inout PathReading.Doubts
    ) -> Outcome {
        let count = unsafe kind.write(path, to: reading, doubts: &doubts)
        unsafe read = unsafe UnsafeBufferPointer(start: reading, count: count)
        return unsafe find(hostCount, read, method, methodText)
    }

    // MARK: Hosts

    /// Puts the host in lower case, without port and final dot. Returns its length, 0 for one that no route names.
    private func readHost(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        var count = text.count
        while count > 0, unsafe text[count - 1] &- 0x30 < 10 { count -= 1 }
        count = unsafe count > 0 && text[count - 1] == 0x3a ? count - 1 : text.count
        if count > 1, unsafe text[count - 1] == 0x2e { count -= 1 }
        guard count <= Self.hostBytesMax else { return 0 }
        for i in 0..<count { unsafe host[i] = unsafe text[i] &- 0x41 < 26 ? text[i] | 0x20 : text[i] }
        return count
    }

    private mutating func find(
        _ hostCount: Int, _ path: UnsafeBufferPointer<UInt8>, _ method: Method, _ methodText: UnsafeBufferPointer<UInt8>
    ) -> Outcome {
        allowed = []
        if hostCount > 0 {
            if table.hasExactHosts {
                let place = unsafe table.find(RouteTable.exactHosts, host, hostCount, hash: hash(host, hostCount))
                if place >= 0, let outcome = unsafe find(in: place, path, method, methodText) { return outcome }
            }
            if table.hasWildcardHosts {
                for i in 1..<max(hostCount, 2) where unsafe host[i - 1] == 0x2e && i < hostCount {
                    let place = unsafe table.find(
                        RouteTable.wildcardHosts, host + i, hostCount - i, hash: hash(host + i, hostCount - i))
                    if place >= 0, let outcome = unsafe find(in: place, path, method, methodText) { return outcome }
                }
            }
        }
        if table.anyHost >= 0, let outcome = unsafe find(in: table.anyHost, path, method, methodText) { return outcome }
        return allowed.isEmpty ? .noRoute : .methodNotAllowed
    }

    private func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt32 {
        var hash = RouteTable.hashSeed
        for i in 0..<count { hash = unsafe RouteTable.hash(hash, bytes[i]) }
        return hash
    }

    // MARK: Paths

    private mutating func find(
        in place: Int32, _ path: UnsafeBufferPointer<UInt8>, _ method: Method, _ methodText: UnsafeBufferPointer<UInt8>
    ) -> Outcome? {
        let host = table.hosts[Int(place)]
        var node = host.root
        var i = 1
        // Whether the whole path has been walked, and whether a slash follows the node's segment.
        var isWhole = path.count <= 1
        var hasSlash = true
        while i < path.count {
            let start = i
            var hash = RouteTable.hashSeed
            while i < path.count, unsafe path[i] != 0x2f {
                hash = unsafe RouteTable.hash(hash, path[i])
                i += 1
            }
            let child = unsafe table.find(node, path.baseAddress! + start, i - start, hash: hash)
            guard child >= 0 else { break }
            node = child
            hasSlash = i < path.count
            i += 1
            isWhole = i >= path.count
        }
        if isWhole {
            let list = hasSlash ? table.nodes[Int(node)].exactSlash : table.nodes[Int(node)].exact
            if let route = unsafe choose(list, method, methodText) { return .route(route) }
        }
        for i in Int(host.firstPattern)..<Int(host.firstPattern + host.patternCount) {
            switch unsafe matcher.match(table.patterns[i].pattern.code, path) {
            case .differs: continue
            case .tooCostly: return .tooCostly
            case .matches: if let route = unsafe choose(table.patterns[i].entry, method, methodText) { return .route(route) }
            }
        }
        while node >= 0 {
            let found = table.nodes[Int(node)]
            if hasSlash, let route = unsafe choose(found.prefixSlash, method, methodText) { return .route(route) }
            if let route = unsafe choose(found.prefix, method, methodText) { return .route(route) }
            node = found.parent
            hasSlash = true
        }
        return nil
    }

    /// The first route of a list that serves the method.
    private mutating func choose(_ list: Int32, _ method: Method, _ methodText: UnsafeBufferPointer<UInt8>) -> Int? {
        var at = list
        while at >= 0 {
            let entry = table.entries[Int(at)]
            if entry.methods.contains(.of(method)), unsafe method != .other || serves(entry, methodText) {
                return Int(entry.route)
            }
            allowed.formUnion(entry.methods)
            at = entry.next
        }
        return nil
    }

    private func serves(_ entry: RouteTable.Entry, _ methodText: UnsafeBufferPointer<UInt8>) -> Bool {
        let names = customMethods[Int(entry.route)]
        return names.isEmpty || names.contains { unsafe $0.elementsEqual(methodText) }
    }
}
