/// Values by family and by the values of its labels, in the order in which they were first added.
struct Samples {
    struct Series {
        var labels: [String]
        /// One value, or a histogram's words.
        var values: [UInt64]
    }

    private(set) var families = [[Series]](repeating: [], count: MetricFamily.allCases.count)
    private var places = [[[String]: Int]](repeating: [:], count: MetricFamily.allCases.count)

    var count: Int { families.reduce(0) { $0 + $1.count } }

    subscript(family: MetricFamily) -> [Series] { families[family.rawValue] }

    /// Adds to a series, which is created when it is not there yet.
    mutating func add(_ family: MetricFamily, _ labels: [String], _ values: [UInt64]) {
        if let place = places[family.rawValue][labels] {
            for index in values.indices { families[family.rawValue][place].values[index] &+= values[index] }
        } else {
            places[family.rawValue][labels] = families[family.rawValue].count
            families[family.rawValue].append(Series(labels: labels, values: values))
        }
    }

    mutating func add(_ other: Samples) {
        for family in MetricFamily.allCases {
            for series in other[family] { add(family, series.labels, series.values) }
        }
    }

    /// Only the series whose labels `isKept` accepts.
    func filtered(_ isKept: (MetricFamily, [String]) -> Bool) -> Samples {
        var result = Samples()
        for family in MetricFamily.allCases {
            for series in self[family] where isKept(family, series.labels) { result.add(family, series.labels, series.values) }
        }
        return result
    }
}
