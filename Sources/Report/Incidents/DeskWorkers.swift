/// The workers that serve the exchanges of a plan's marks, as the desk asks them. Neither call waits.
public protocol DeskWorkers: AnyObject, Sendable {
    /// Whoever serves the exchange of this mark says `ApplicationDesk.identify`.
    func identify(_ mark: ExchangeMark)
    /// Each worker says `ApplicationDesk.passed` in one of its next turns. Returns how many will.
    func pass(_ round: UInt64) -> Int
}
