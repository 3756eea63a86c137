/// The two languages of `/metrics`.
public enum ExpositionFormat: Sendable {
    case prometheus, openMetrics

    public var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// OpenMetrics when an Accept field (RFC 9110 section 12.5.1) asks for it by name, at least as much as for plain text.
    public init(accept: String) {
        var openMetrics = 0
        var plain = 0
        for range in accept.split(separator: ",") {
            let parts = range.split(separator: ";").map { Self.trimmed($0).lowercased() }
            guard let type = parts.first else { continue }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Self.thousandths($0.dropFirst(2)) } ?? 1000
            let version = parts.dropFirst().first { $0.hasPrefix("version=") }.map { $0.dropFirst(8).filter { $0 != "\"" } }
            if type == "application/openmetrics-text", version == nil || version == "1.0.0" {
                openMetrics = max(openMetrics, quality)
            } else if type == "text/plain" {
                plain = max(plain, quality)
            }
        }
        self = openMetrics > 0 && openMetrics >= plain ? .openMetrics : .prometheus
    }

    private static func trimmed(_ text: Substring) -> String {
        var bytes = text.utf8.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(decoding: Array(bytes), as: UTF8.self)
    }

    private static func thousandths(_ quality: Substring) -> Int {
        guard let value = Double(String(quality)), value >= 0, value <= 1 else { return 0 }
        return Int((value * 1000).rounded())
    }
}
