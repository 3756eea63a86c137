/// A server among all of a plan's, in the order of the upstreams. Its number within its upstream (`Server.index`, a sticky cookie's) is
/// another. There is room for each: a configuration has at most 50,000 values.
struct ServerIndex: Hashable, Strideable, BitwiseCopyable, Sendable {
    private let value: UInt16

    /// No server.
    static var none: Self { Self(value: .max) }

    @inline(__always)
    private init(value: UInt16) { self.value = value }

    @inline(__always)
    init(_ place: Int) { self.init(value: UInt16(place)) }

    /// Its place in lists of all servers.
    @inline(__always) var place: Int { Int(value) }
    @inline(__always) var exists: Bool { value != .max }
    @inline(__always) var isNone: Bool { value == .max }
    /// As the marks of requests carry it.
    @inline(__always) var number: UInt16 { value }

    @inline(__always)
    static func == (a: Self, b: Self) -> Bool { a.value == b.value }

    @inline(__always)
    static func < (a: Self, b: Self) -> Bool { a.value < b.value }

    @inline(__always)
    func distance(to other: Self) -> Int { other.place - place }

    @inline(__always)
    func advanced(by n: Int) -> Self { Self(place + n) }
}
