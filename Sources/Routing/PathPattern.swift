import CPCRE2

/// A regular expression for whole paths. Immutable: every worker matches with the same one, each with its own `PatternMatcher`.
@safe public final class PathPattern: @unchecked Sendable {
    /// Why a text is no regular expression.
    public struct Invalid: Error {
        public var reason: String
        /// Bytes of the text before the fault.
        public var offset: Int
    }

    let code: OpaquePointer
    /// Groups that capture.
    public let groupCount: Int

    public init(_ text: String) throws(Invalid) {
        let bytes = Array(text.utf8)
        var error: Int32 = 0
        var offset = 0
        // Paths are bytes, not texts; a line end in one must not hide from `.`.
        let options =
            PCRE2_ANCHORED | PCRE2_ENDANCHORED | UInt32(PCRE2_DOTALL) | UInt32(PCRE2_DOLLAR_ENDONLY) | UInt32(PCRE2_NEVER_UTF)
            | UInt32(PCRE2_NEVER_BACKSLASH_C)
        guard let code = unsafe pcre2_compile_8(bytes, bytes.count, options, &error, &offset, nil) else {
            throw Invalid(reason: Self.message(error), offset: offset)
        }
        // Without it (no executable memory, say) matching is slower, and no different.
        _ = unsafe pcre2_jit_compile_8(code, UInt32(PCRE2_JIT_COMPLETE))
        var groups: UInt32 = 0
        _ = unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &groups)
        unsafe self.code = unsafe code
        groupCount = Int(groups)
    }

    deinit { unsafe pcre2_code_free_8(code) }

    private static func message(_ error: Int32) -> String {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { text in
            let count = unsafe pcre2_get_error_message_8(error, text.baseAddress, 256)
            return unsafe String(decoding: text.prefix(max(0, Int(count))), as: UTF8.self)
        }
    }
}
