/// What a server's checks have shown so far: how many results in a row speak for a change.
///
/// Whether it is up stands where workers read it: during a reload two threads may have watched it.
struct HealthRecord: Equatable {
    enum Change: Equatable { case down, up }

    let unhealthyAfter: Int
    let healthyAfter: Int
    private(set) var failuresInRow = 0
    private(set) var successesInRow = 0

    init(unhealthyAfter: Int, healthyAfter: Int) {
        self.unhealthyAfter = unhealthyAfter
        self.healthyAfter = healthyAfter
    }

    mutating func checkSucceeded(isUp: Bool) -> Change? {
        failuresInRow = 0
        successesInRow += 1
        return !isUp && successesInRow >= healthyAfter ? .up : nil
    }

    mutating func checkFailed(isUp: Bool) -> Change? {
        successesInRow = 0
        failuresInRow += 1
        return isUp && failuresInRow >= unhealthyAfter ? .down : nil
    }
}
