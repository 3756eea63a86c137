import COpenSSL

/// Why TLS cannot be set up: names the file, and what is wrong with it.
public struct TLSError: Error, Equatable, CustomStringConvertible {
    /// nil: not the fault of a file.
    public let file: String?
    public let text: String

    init(_ file: String?, _ text: String) {
        self.file = file
        self.text = text
        ERR_clear_error()
    }

    public var description: String { file.map { "\($0): \(text)" } ?? text }

    /// What OpenSSL says about the error that it has queued last, and forgets all of them.
    static func takeReason() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return "unknown error" }
        guard let reason = unsafe ERR_reason_error_string(code) else { return "OpenSSL error \(code)" }
        return unsafe String(cString: reason)
    }
}
