import Report

/// Sends one batch until the collector has taken or refused it, or the time is over; says so when that begins to fail, and when it works
/// again.
struct OTLPSender {
    private let settings: OTLPSettings
    private let version: String
    private let client: CurlClient
    private let metrics: Metrics
    private let report: @Sendable (String) -> Void
    private var backoff = Backoff()
    private var random = SystemRandomNumberGenerator()
    private var isFailing = false

    init(
        settings: OTLPSettings, version: String, client: CurlClient, metrics: Metrics,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.version = version
        self.client = client
        self.metrics = metrics
        self.report = report
    }

    /// `wait` waits so many milliseconds before a retry, and is false when there is no time for one.
    mutating func send(_ lines: [[UInt8]], wait: (Int) -> Bool) {
        let batch = OTLPBatch(lines, resource: settings.resource, version: version)
        let records = batch.records.count
        guard records > 0 else { return }
        let body = settings.encoding == .json ? batch.json : batch.protobuf
        while true {
            switch client.post(body) {
            case .taken(let rejected, let message):
                if isFailing { report("OTLP: \(settings.url) takes records again") }
                isFailing = false
                backoff.reset()
                if rejected > 0 { drop(min(rejected, records), "the collector rejected \(rejected) of \(records): \(message)") }
                return
            case .refused(let reason):
                return drop(records, "\(settings.url) refused \(records) records: \(reason)")
            case .again(let milliseconds, let reason):
                if !isFailing { report("OTLP: \(settings.url) takes no records: \(reason); trying again") }
                isFailing = true
                let pause = backoff.wait(atLeast: milliseconds, using: &random)
                guard wait(pause) else { return drop(records, "\(records) records were not sent before the end: \(reason)") }
            }
        }
    }

    private func drop(_ records: Int, _ reason: String) {
        metrics.countDropped(.otlp, UInt64(records))
        report("OTLP: \(reason)")
    }
}
