/// One scrape as text: Prometheus 0.0.4, or OpenMetrics 1.0 with exemplars.
struct Exposition {
    var format: ExpositionFormat
    var samples: Samples
    /// By the labels of `sendonce_incidents_total`.
    var exemplars: [[String]: Exemplar]
    var version: String
    var isReloadSuccessful: Bool
    var reloadNanoseconds: UInt64
    var restarts: UInt64
    var process: ProcessStatistics

    func text() -> [UInt8] {
        var text = MetricsText()
        for family in MetricFamily.allCases {
            let description = family.description
            announce(description, into: &text)
            switch description.sort {
            case .histogram: histogram(family, description, into: &text)
            case .counter where family != .processCPU && family != .workerProcessRestarts:
                for series in samples[family] {
                    let exemplar = family == .incidents ? exemplars[series.labels] : nil
                    text.sample(description.name, pairs(description, series), String(series.values[0]))
                    if format == .openMetrics, let exemplar { text.exemplar(exemplar) }
                    text.newline()
                }
            case .gauge where !samples[family].isEmpty:
                for series in samples[family] {
                    // Read while its worker writes: opened here and closed there may be seen in the wrong order.
                    let value = max(0, Int64(bitPattern: series.values[0]))
                    text.sample(description.name, pairs(description, series), String(value))
                    text.newline()
                }
            default:
                guard let single = single(family) else { continue }
                text.sample(description.name, single.labels, single.value)
                text.newline()
            }
        }
        if format == .openMetrics { text.line("# EOF") }
        return text.bytes
    }

    private func announce(_ description: MetricFamily.Description, into text: inout MetricsText) {
        var name = description.name
        var sort = description.sort.rawValue
        switch format {
        case .openMetrics:
            // The family's name is the samples' without the suffix that its type gives them.
            if description.sort == .counter { name.removeLast("_total".count) }
            if description.sort == .info { name.removeLast("_info".count) }
        case .prometheus:
            if description.sort == .info { sort = "gauge" }
        }
        text.line("# HELP \(name) \(description.help)")
        text.line("# TYPE \(name) \(sort)")
        guard format == .openMetrics else { return }
        for unit in ["seconds", "bytes"] where name.hasSuffix("_" + unit) { text.line("# UNIT \(name) \(unit)") }
    }

    private func histogram(_ family: MetricFamily, _ description: MetricFamily.Description, into text: inout MetricsText) {
        for series in samples[family] {
            let labels = pairs(description, series)
            var count: UInt64 = 0
            for (bound, inBucket) in zip(DurationHistogram.bounds, series.values) {
                count &+= inBucket
                text.sample(description.name + "_bucket", labels + [("le", bound)], String(count))
                text.newline()
            }
            let sum = MetricsText.seconds(nanoseconds: series.values[DurationHistogram.bucketCount])
            text.sample(description.name + "_sum", labels, sum)
            text.newline()
            text.sample(description.name + "_count", labels, String(count))
            text.newline()
        }
    }

    /// Families that have one sample which no worker counts. Nil where the system does not say.
    private func single(_ family: MetricFamily) -> (labels: [(String, String)], value: String)? {
        switch family {
        case .configLastReloadSuccessful: ([], isReloadSuccessful ? "1" : "0")
        case .configLastReloadSuccessTimestamp: ([], MetricsText.seconds(nanoseconds: reloadNanoseconds))
        case .workerProcessRestarts: ([], String(restarts))
        case .buildInfo: ([("version", version)], "1")
        case .processCPU: ([], MetricsText.seconds(nanoseconds: process.cpuNanoseconds))
        case .processResidentMemory: process.residentBytes.map { ([], String($0)) }
        case .processVirtualMemory: process.virtualBytes.map { ([], String($0)) }
        case .processOpenFDs: process.openDescriptors.map { ([], String($0)) }
        case .processMaxFDs: process.descriptorsMax.map { ([], String($0)) }
        case .processStartTime: process.startNanoseconds.map { ([], MetricsText.seconds(nanoseconds: $0)) }
        default: nil
        }
    }

    private func pairs(_ description: MetricFamily.Description, _ series: Samples.Series) -> [(String, String)] {
        Array(zip(description.labels, series.labels))
    }
}
