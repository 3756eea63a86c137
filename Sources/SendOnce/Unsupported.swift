import Configuration

/// Keys of the configuration that this version reads and cannot honour. Refused: a key without effect would be a lie.
enum Unsupported {
    static func keys(of settings: Settings) -> [String] {
        var keys: [String] = []
        func note(_ key: String, _ isUsed: Bool) {
            if isUsed { keys.append(key) }
        }
        for listener in settings.listeners {
            note("listeners.proxy_protocol", listener.proxyProtocol != .off)
            note("listeners.protocols: [http2]", listener.protocols == [.http2])
        }
        for upstream in settings.upstreams {
            note("upstreams.\(upstream.name).protocol: http2", upstream.protocol == .http2)
            note("upstreams.\(upstream.name).balance: sticky_cookie", upstream.balance == .stickyCookie)
        }
        for route in settings.routes {
            var isPrefix = false
            if case .prefix = route.match { isPrefix = true }
            note("routes.\(route.name).path or path_regex", !isPrefix)
            note("routes.\(route.name).methods", !route.methods.isEmpty)
            note("routes.\(route.name).strip_prefix", route.stripPrefix != nil)
            note("routes.\(route.name).rewrite", route.rewrite != nil)
            note("routes.\(route.name).redirect", route.redirect != nil)
            note("routes.\(route.name).request_headers", route.requestHeaders != .init())
            note("routes.\(route.name).response_headers", route.responseHeaders != .init())
            note("routes.\(route.name).timeouts", route.timeouts != .init())
        }
        note("access_log.path", settings.accessLog.path != nil)
        note("error_pages", !settings.errorPages.isEmpty)
        return keys
    }
}
