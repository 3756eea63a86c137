import CPCRE2

/// What one thread matches patterns with: memory for captures, and the limits that keep a costly pattern from stopping the loop.
@unsafe struct PatternMatcher: ~Copyable {
    enum Outcome { case matches, differs, tooCostly }

    /// Steps of backtracking for one path: about a millisecond.
    static let stepsMax: UInt32 = 50_000
    static let depthMax: UInt32 = 1_000
    static let heapKibibytesMax: UInt32 = 256
    /// Groups whose text a template can take.
    static let groupsMax = 9

    private let data: OpaquePointer
    private let context: OpaquePointer

    init() {
        guard let data = unsafe pcre2_match_data_create_8(UInt32(Self.groupsMax + 1), nil),
            let context = unsafe pcre2_match_context_create_8(nil)
        else { fatalError("out of memory for a matcher") }
        unsafe pcre2_set_match_limit_8(context, Self.stepsMax)
        unsafe pcre2_set_depth_limit_8(context, Self.depthMax)
        unsafe pcre2_set_heap_limit_8(context, Self.heapKibibytesMax)
        unsafe self.data = unsafe data
        unsafe self.context = unsafe context
    }

    deinit {
        unsafe pcre2_match_data_free_8(data)
        unsafe pcre2_match_context_free_8(context)
    }

    mutating func match(_ code: OpaquePointer, _ path: UnsafeBufferPointer<UInt8>) -> Outcome {
        let result = unsafe pcre2_match_8(code, path.baseAddress, path.count, 0, 0, data, context)
        return result >= 0 ? .matches : result == PCRE2_ERROR_NOMATCH ? .differs : .tooCostly
    }

    /// The text that a group of the last match captured; empty for one that took no part.
    func group(_ number: Int, in path: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let offsets = unsafe pcre2_get_ovector_pointer_8(data)!
        let (start, end) = unsafe (offsets[2 * number], offsets[2 * number + 1])
        // PCRE2_UNSET has every bit set.
        guard unsafe number < Int(pcre2_get_ovector_count_8(data)), start >= 0, start <= end, end <= path.count else {
            return unsafe UnsafeBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeBufferPointer(rebasing: path[start..<end])
    }
}
