/// Space for a header block that the connections of one thread hand each other, so that one which rests after every request keeps
/// none, and asks for none. Whoever made it deallocates it, when no connection uses it any more.
public struct HeaderSpare {
    static let byteCount = 2048

    private let place: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>

    public init() {
        place = .allocate(capacity: 1)
        place.initialize(to: nil)
    }

    public func deallocate() {
        place.pointee?.deallocate()
        place.deallocate()
    }

    func take() -> UnsafeMutablePointer<UInt8>? {
        defer { place.pointee = nil }
        return place.pointee
    }

    /// False when there is one already.
    func keep(_ space: UnsafeMutablePointer<UInt8>) -> Bool {
        guard place.pointee == nil else { return false }
        place.pointee = space
        return true
    }
}
