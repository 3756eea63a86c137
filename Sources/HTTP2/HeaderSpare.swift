/// Space for a header block that the connections of one thread hand each other, so that one which rests after every request keeps
/// none, and asks for none. Whoever made it deallocates it, when no connection uses it any more.
@safe public struct HeaderSpare {
    static let byteCount = 2048

    private let place: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>

    public init() {
        unsafe place = .allocate(capacity: 1)
        unsafe place.initialize(to: nil)
    }

    public func deallocate() {
        unsafe place.pointee?.deallocate()
        unsafe place.deallocate()
    }

    func take() -> UnsafeMutablePointer<UInt8>? {
        defer { unsafe place.pointee = nil }
        return unsafe place.pointee
    }

    /// False when there is one already.
    func keep(_ space: UnsafeMutablePointer<UInt8>) -> Bool {
        guard unsafe place.pointee == nil else { return false }
        unsafe place.pointee = unsafe space
        return true
    }
}
