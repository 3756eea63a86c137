import Synchronization

/// What marks of this process and of one of its plans begin with: twelve bits by chance, four that count plans.
enum PlanSalt {
    private static let process = UInt16.random(in: 0...0xfff)
    private static let plans = Atomic<UInt16>(0)

    static func next() -> UInt16 { process << 4 | plans.wrappingAdd(1, ordering: .relaxed).oldValue & 0xf }
}
