import CPCRE2

/// A regular expression that is looked for anywhere in a text. Immutable.
final class SearchPattern: @unchecked Sendable {
    /// Why a text is no regular expression.
    struct Invalid: Error {
        let reason: String
    }

    /// Steps of backtracking for one text; a costlier search finds nothing.
    private static let stepsMax: UInt32 = 200_000

    private let code: OpaquePointer
    private let limits: OpaquePointer

    init(_ text: String) throws(Invalid) {
        let bytes = Array(text.utf8)
        var error: Int32 = 0
        var offset = 0
        let options = UInt32(PCRE2_UTF) | UInt32(PCRE2_MATCH_INVALID_UTF) | UInt32(PCRE2_NEVER_BACKSLASH_C)
        guard let code = pcre2_compile_8(bytes, bytes.count, options, &error, &offset, nil) else {
            throw Invalid(reason: Self.message(error))
        }
        guard let limits = pcre2_match_context_create_8(nil) else { fatalError("out of memory for a regular expression") }
        pcre2_set_match_limit_8(limits, Self.stepsMax)
        self.code = code
        self.limits = limits
    }

    deinit {
        pcre2_match_context_free_8(limits)
        pcre2_code_free_8(code)
    }

    func matches(_ text: String) -> Bool {
        guard let data = pcre2_match_data_create_8(1, nil) else { return false }
        defer { pcre2_match_data_free_8(data) }
        let bytes = Array(text.utf8)
        return pcre2_match_8(code, bytes, bytes.count, 0, 0, data, limits) >= 0
    }

    private static func message(_ error: Int32) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { text in
            let count = pcre2_get_error_message_8(error, text.baseAddress, 256)
            return String(decoding: text.prefix(max(0, Int(count))), as: UTF8.self)
        }
    }
}
