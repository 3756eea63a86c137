import Configuration
import OTLP
import Report

/// The export of incidents to an OpenTelemetry collector.
extension Service {
    /// The exporter that the configuration and the environment ask for. Throws `Failure` with what is wrong with them.
    static func exporter(_ settings: Settings.Incidents.OTLP, _ metrics: Metrics, report: @escaping @Sendable (String) -> Void)
        throws -> OTLPExporter?
    {
        do {
            let resolved = try OTLPSettings.resolve(
                endpoint: settings.endpoint, environment: Environment.variables, version: Version.text)
            return try resolved.map { try OTLPExporter($0, version: Version.text, metrics: metrics, report: report) }
        } catch {
            throw Failure.runtime("\(error)")
        }
    }

    /// Lets an exporter have each record that is written from now on.
    func follow(with exporter: OTLPExporter?) {
        guard let exporter else { return recorder.follow(nil) }
        recorder.follow { line in exporter.append(line) }
    }

    /// Puts another exporter in the present one's place, which sends what it has and ends.
    func export(to successor: OTLPExporter?) {
        follow(with: successor)
        if let earlier = exporter {
            // Its end may take seconds, and nobody need wait for it.
            _ = NamedThread("otlp-close") { earlier.close() }
        }
        exporter = successor
    }
}
