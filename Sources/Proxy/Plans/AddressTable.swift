import CShim
import EventLoop
import Glibc

/// The addresses of a server that is given by name: written by one thread, read by workers without a lock.
///
/// A reader copies an address, then sees whether the table was being written meanwhile, and if so copies again.
final class AddressTable: @unchecked Sendable {
    static let addressesMax = 16
    /// An address that could not be connected to is passed over so long, as long as there are others.
    static let failureTime: UInt64 = 10_000_000_000

    private static let addressWords = 4
    private static let entryWords = addressWords + 1
    private static let wordCount = 2 + addressesMax * entryWords

    /// Even while nobody writes; how many addresses; then each with the time until which it is passed over.
    private let words: UnsafeMutablePointer<UInt64>

    init(_ addresses: [SocketAddress]) {
        words = .allocate(capacity: Self.wordCount)
        words.initialize(repeating: 0, count: Self.wordCount)
        _ = replace(addresses)
    }

    deinit { words.deallocate() }

    /// Changes with every replacement.
    var generation: UInt64 { so_load_ordered(words) }

    /// Where the generation stands, for those who look at it with every request; good as long as the table is.
    var generationWord: UnsafePointer<UInt64> { UnsafePointer(words) }

    var count: Int { Int(so_load(words + 1)) }

    /// The addresses, for people.
    var descriptions: [String] { (0..<count).compactMap { copy($0)?.description } }

    /// Puts other addresses in place of those that are there. False when they are the same, in whatever order.
    func replace(_ addresses: [SocketAddress]) -> Bool {
        var entries: [[UInt64]] = []
        for packed in addresses.lazy.map(Self.packed) where entries.count < Self.addressesMax && !entries.contains(packed) {
            entries.append(packed)
        }
        entries.sort { $0.lexicographicallyPrecedes($1) }
        let old = (0..<count).map { place in (0..<Self.addressWords).map { so_load(entry(place) + $0) } }
        guard entries != old else { return false }
        _ = so_fetch_add(words, 1)
        for (place, packed) in entries.enumerated() {
            for (i, word) in packed.enumerated() { so_store(entry(place) + i, word) }
            so_store(entry(place) + Self.addressWords, 0)
        }
        so_store(words + 1, UInt64(entries.count))
        _ = so_fetch_add(words, 1)
        return true
    }

    /// The address whose turn it is, or the next that has not failed lately; with its place and the table's generation.
    func next(turn: UInt32, _ now: UInt64) -> (address: SocketAddress, place: Int, generation: UInt64)? {
        while true {
            let generation = so_load_ordered(words)
            let count = self.count
            guard count > 0 else { return nil }
            var place = Int(turn) % count
            for step in 0..<count where so_load(entry((Int(turn) + step) % count) + Self.addressWords) <= now {
                place = (Int(turn) + step) % count
                break
            }
            if let address = copy(place), so_load_ordered(words) == generation { return (address, place, generation) }
        }
    }

    /// An address could not be connected to. True when there is another to try at once, as there is where others have taken its place.
    func noteFailure(_ place: Int, generation: UInt64, _ now: UInt64) -> Bool {
        guard self.generation == generation else { return count > 0 }
        guard place < count else { return false }
        so_store(entry(place) + Self.addressWords, now + Self.failureTime)
        return (0..<count).contains { so_load(entry($0) + Self.addressWords) <= now }
    }

    private func entry(_ place: Int) -> UnsafeMutablePointer<UInt64> { words + 2 + place * Self.entryWords }

    /// Nil while the table is being written.
    private func copy(_ place: Int) -> SocketAddress? {
        let before = so_load_ordered(words)
        guard before % 2 == 0 else { return nil }
        var packed: (UInt64, UInt64, UInt64, UInt64) = (
            so_load_ordered(entry(place)), so_load_ordered(entry(place) + 1), so_load_ordered(entry(place) + 2),
            so_load_ordered(entry(place) + 3)
        )
        guard so_load_ordered(words) == before else { return nil }
        var storage = sockaddr_storage()
        withUnsafeBytes(of: &packed) { bytes in
            withUnsafeMutableBytes(of: &storage) { $0.copyMemory(from: bytes) }
        }
        return SocketAddress(storage)
    }

    /// An IPv4 or IPv6 address takes 28 bytes at the most.
    private static func packed(_ address: SocketAddress) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: addressWords)
        withUnsafeBytes(of: address.storage) { bytes in
            words.withUnsafeMutableBytes {
                $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(addressWords * 8)))
            }
        }
        return words
    }
}
