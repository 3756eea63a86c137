/// Where incidents are exported to, and how: the configuration's endpoint with the standard `OTEL_*` variables (OpenTelemetry's
/// specification, *OTLP Exporter Configuration*). Those for logs win over those for all signals.
public struct OTLPSettings: Sendable, Equatable {
    /// The whole URL, with its path.
    public var url: String
    public var encoding = Encoding.protobuf
    public var headers: [Header] = []
    public var timeoutMilliseconds = 10_000
    public var compresses = false
    /// PEM files.
    public var authorities: String?
    public var clientCertificate: String?
    public var clientKey: String?
    /// Attributes of the resource, the service's name among them.
    public var resource: [Header] = []

    /// The forms of OTLP over HTTP.
    public enum Encoding: String, Sendable {
        case protobuf = "http/protobuf"
        case json = "http/json"

        var contentType: String { self == .json ? "application/json" : "application/x-protobuf" }
    }

    /// A name with its value.
    public struct Header: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// What cannot be used, as a sentence.
    public struct Problem: Error, Equatable, CustomStringConvertible {
        public var description: String
    }

    public init(url: String) { self.url = url }

    /// nil when neither the configuration nor the environment names an endpoint, or the environment turns exporting off.
    public static func resolve(endpoint: String?, environment: [String: String], version: String) throws(Problem) -> Self? {
        func variable(_ name: String) -> String? {
            let value = environment["OTEL_EXPORTER_OTLP_LOGS_" + name] ?? environment["OTEL_EXPORTER_OTLP_" + name]
            return value.flatMap { $0.isEmpty ? nil : $0 }
        }
        guard environment["OTEL_SDK_DISABLED"]?.lowercased() != "true", environment["OTEL_LOGS_EXPORTER"] != "none" else {
            return nil
        }
        guard let url = try url(endpoint, environment) else { return nil }
        var settings = Self(url: url)
        if let given = variable("PROTOCOL") {
            guard let encoding = Encoding(rawValue: given) else {
                throw Problem(description: "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf or http/json, found \(given)")
            }
            settings.encoding = encoding
        }
        if let given = variable("TIMEOUT") {
            guard let milliseconds = Int(given), (1...3_600_000).contains(milliseconds) else {
                throw Problem(description: "OTEL_EXPORTER_OTLP_TIMEOUT: expected milliseconds, found \(given)")
            }
            settings.timeoutMilliseconds = milliseconds
        }
        switch variable("COMPRESSION") {
        case nil, "none": break
        case "gzip": settings.compresses = true
        case .some(let given):
            throw Problem(description: "OTEL_EXPORTER_OTLP_COMPRESSION: expected gzip or none, found \(given)")
        }
        settings.headers = try pairs(variable("HEADERS"), of: "OTEL_EXPORTER_OTLP_HEADERS")
        settings.authorities = variable("CERTIFICATE")
        settings.clientCertificate = variable("CLIENT_CERTIFICATE")
        settings.clientKey = variable("CLIENT_KEY")
        settings.resource = try resource(environment, version)
        return settings
    }

    private static func url(_ configured: String?, _ environment: [String: String]) throws(Problem) -> String? {
        let own = environment["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"].flatMap { $0.isEmpty ? nil : $0 }
        // The logs' endpoint is taken as it is; the others are bases.
        if configured == nil, let own { return try checked(own, of: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT") }
        let shared = environment["OTEL_EXPORTER_OTLP_ENDPOINT"].flatMap { $0.isEmpty ? nil : $0 }
        guard let base = configured ?? shared else { return nil }
        let whole = try checked(base, of: configured != nil ? "incidents.otlp.endpoint" : "OTEL_EXPORTER_OTLP_ENDPOINT")
        let path = whole.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).first ?? ""
        if configured != nil, !path.isEmpty { return whole }
        return whole + (whole.hasSuffix("/") ? "v1/logs" : "/v1/logs")
    }

    private static func checked(_ url: String, of name: String) throws(Problem) -> String {
        let scheme = ["http://", "https://"].first { url.lowercased().hasPrefix($0) }
        guard let scheme, url.utf8.count > scheme.utf8.count, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Problem(description: "\(name): expected http(s)://host:port, found \(url)")
        }
        return url
    }

    private static func resource(_ environment: [String: String], _ version: String) throws(Problem) -> [Header] {
        var attributes = try pairs(environment["OTEL_RESOURCE_ATTRIBUTES"], of: "OTEL_RESOURCE_ATTRIBUTES")
        func set(_ name: String, _ value: String, over: Bool) {
            let index = attributes.firstIndex { $0.name == name }
            if index == nil { attributes.append(Header(name, value)) } else if over { attributes[index!].value = value }
        }
        if let service = environment["OTEL_SERVICE_NAME"], !service.isEmpty { set("service.name", service, over: true) }
        set("service.name", "sendonce", over: false)
        set("service.version", version, over: false)
        return attributes
    }

    /// `a=b,c=d`, the values percent-encoded (W3C Baggage).
    private static func pairs(_ text: String?, of name: String) throws(Problem) -> [Header] {
        var pairs: [Header] = []
        for item in (text ?? "").split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let key = parts[0].filter { $0 != " " }
            guard parts.count == 2, !key.isEmpty else {
                throw Problem(description: "\(name): expected name=value pairs with commas between them")
            }
            let value = decoded(parts[1])
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw Problem(description: "\(name): a control character in the value of \(key)")
            }
            pairs.append(Header(String(key), value))
        }
        return pairs
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8.drop { $0 == 0x20 }
        while let byte = rest.first {
            let hex = rest.dropFirst().prefix(2)
            if byte == UInt8(ascii: "%"), hex.count == 2, let value = UInt8(String(decoding: hex, as: UTF8.self), radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
                rest = rest.dropFirst()
            }
        }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
