/// What a server's checks have shown so far: up or down, and how many results in a row speak for a change.
struct HealthRecord: Equatable {
    enum Change: Equatable { case down, up }

    let unhealthyAfter: Int
    let healthyAfter: Int
    private(set) var isUp: Bool
    private(set) var failuresInRow = 0
    private(set) var successesInRow = 0

    init(unhealthyAfter: Int, healthyAfter: Int, isUp: Bool = true) {
        self.unhealthyAfter = unhealthyAfter
        self.healthyAfter = healthyAfter
        self.isUp = isUp
    }

    mutating func checkSucceeded() -> Change? {
        failuresInRow = 0
        successesInRow += 1
        guard !isUp, successesInRow >= healthyAfter else { return nil }
        isUp = true
        return .up
    }

    mutating func checkFailed() -> Change? {
        successesInRow = 0
        failuresInRow += 1
        guard isUp, failuresInRow >= unhealthyAfter else { return nil }
        isUp = false
        return .down
    }
}
