/// The way from the root of the settings to a value: keys, names and list positions.
struct Place: Hashable, Sendable {
    var steps: [String] = []

    func appending(_ step: String) -> Place { Place(steps: steps + [step]) }
    func starts(with beginning: [String]) -> Bool { steps.starts(with: beginning) }
}
