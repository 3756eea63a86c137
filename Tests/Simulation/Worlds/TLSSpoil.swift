import Simulation

/// What one end of a connection does to its own handshake, or behind it: at so many bytes of what it sends.
struct TLSSpoil {
    enum Kind: CaseIterable {
        /// Nothing more comes.
        case silence
        case end, reset
        /// Bytes that are no records, and nothing more.
        case garbage
        /// One bit is another.
        case flip
        /// An alert in cleartext, and nothing more.
        case alert
        /// HTTP in place of TLS.
        case cleartext
    }

    var kind: Kind
    var at: Int

    init(_ random: inout SeededNumbers, mayBeSilent: Bool) {
        // What is taken for the beginning of a record may make the other end wait for the rest.
        kind = random.pick(mayBeSilent ? Kind.allCases : [.end, .reset, .cleartext])
        at = kind == .cleartext ? 0 : random.below(random.pick([6, 100, 600]))
    }

    /// What follows in place of the bytes from there on; nothing more is sent.
    func replacement(_ random: inout SeededNumbers) -> [UInt8] {
        switch kind {
        case .silence, .end, .reset, .flip: []
        case .garbage: (0..<1 + random.below(100)).map { _ in UInt8(random.below(256)) }
        case .alert: [21, 3, 3, 0, 2, 2, UInt8(random.pick([10, 40, 80]))]
        case .cleartext: Array("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n".utf8)
        }
    }
}
