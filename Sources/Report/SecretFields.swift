/// Which header fields hold secrets: their values are never written down.
public enum SecretFields {
    /// A field whose name contains one of these is secret.
    private static let parts = [
        "authorization", "authentication", "cookie", "token", "secret", "password", "passwd", "session", "credential",
        "api-key", "apikey", "api_key", "signature",
    ].map { Array($0.utf8) }

    /// Whatever the case of its letters.
    public static func contains(_ name: [UInt8]) -> Bool {
        let name = name.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        return parts.contains { part in
            guard name.count >= part.count else { return false }
            return (0...(name.count - part.count)).contains { name[$0...].starts(with: part) }
        }
    }
}
