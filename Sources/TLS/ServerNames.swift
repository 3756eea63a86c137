import COpenSSL

/// Which certificate a host gets: the exact name before a wildcard, and otherwise the first certificate.
final class ServerNames {
    /// nil stands for the first certificate's own settings, which hold this object: a reference back would never let go.
    private var settings: [String: TLSSettings?] = [:]

    /// The first certificate for a name keeps it.
    func add(_ names: [String], _ chosen: TLSSettings?) {
        for name in names where settings[name] == nil { settings.updateValue(chosen, forKey: name) }
    }

    /// nil: the first certificate's.
    func find(_ host: String) -> TLSSettings? {
        var name = host.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        if let exact = settings[name] { return exact }
        // A wildcard stands for one label (RFC 6125 section 6.4.3).
        guard let dot = name.firstIndex(of: ".") else { return nil }
        return settings["*" + name[dot...]] ?? nil
    }
}
