import Wire

@testable import Routing

extension Router {
    /// The outcome for a request in words.
    mutating func ask(_ target: String, host: String = "a.example", method: String = "GET") -> Outcome {
        let host = Array(host.utf8)
        let target = Array(target.utf8)
        let methodText = Array(method.utf8)
        // The router keeps pointing at the path: it must outlive the call.
        let kept = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(target.count, 1))
        _ = kept.initialize(from: target)
        return host.withUnsafeBufferPointer { host in
            methodText.withUnsafeBufferPointer { methodText in
                route(
                    host: host, target: UnsafeBufferPointer(rebasing: kept[..<target.count]),
                    method: Method(methodText.baseAddress!, count: methodText.count), methodText: methodText)
            }
        }
    }

    init(_ rules: [RouteRule]) { self.init(rules, bytesMax: 4096) }
}

extension RouteRule {
    static func pattern(_ text: String, host: String = "", methods: [String] = []) throws -> RouteRule {
        RouteRule(host: host, path: .pattern(try PathPattern(text)), methods: methods)
    }

    static func prefix(_ path: String, host: String = "", methods: [String] = []) -> RouteRule {
        RouteRule(host: host, path: .prefix(path), methods: methods)
    }

    static func exact(_ path: String, host: String = "", methods: [String] = []) -> RouteRule {
        RouteRule(host: host, path: .exact(path), methods: methods)
    }
}
