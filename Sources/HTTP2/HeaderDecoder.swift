import CNghttp2
import Wire

/// Unpacks header blocks (HPACK, by libnghttp2) and lays their fields out as HTTP/1 would spell them.
///
/// Every block of a connection goes through it, wanted or not: blocks depend on those before them.
@safe struct HeaderDecoder {
    enum Sort { case request, answer, requestTrailers }

    enum Outcome: Equatable {
        case complete
        /// Not HTTP; the block is filled as far as it could be.
        case malformed
        case tooLarge, tooManyFields
        /// The connection cannot go on.
        case failed(HTTP2Failure)
    }

    /// A block over its limits is read on to its end, up to so many times those limits.
    static let overlengthFactorMax = 8

    private let inflater: OpaquePointer
    var layout: HeaderLayout

    init?(spare: HeaderSpare?) {
        var made: OpaquePointer?
        guard unsafe nghttp2_hd_inflate_new(&made) == 0, let made = unsafe made else { return nil }
        unsafe inflater = unsafe made
        layout = HeaderLayout(spare: spare)
    }

    func deallocate() {
        unsafe nghttp2_hd_inflate_del(inflater)
        layout.deallocate()
    }

    /// Unpacks one whole block. `block`'s bytes stay good until the next one.
    mutating func decode(
        _ sort: Sort, _ bytes: UnsafePointer<UInt8>, _ count: Int, _ limits: HTTP2Limits, into block: inout HeaderBlock
    ) -> Outcome {
        guard let shorter = unsafe LongLiterals.shorten(bytes, count) else {
            return unsafe unpack(sort, bytes, count, limits, into: &block)
        }
        let outcome = unsafe shorter.withUnsafeBufferPointer { bytes in
            unsafe bytes.baseAddress.map { unsafe unpack(sort, $0, bytes.count, limits, into: &block) } ?? .malformed
        }
        if case .failed = outcome { return outcome }
        return .tooLarge
    }

    private mutating func unpack(
        _ sort: Sort, _ bytes: UnsafePointer<UInt8>, _ count: Int, _ limits: HTTP2Limits, into block: inout HeaderBlock
    ) -> Outcome {
        layout.begin(sort, bytesMax: limits.headerBytesMax, countMax: limits.headerCountMax, &block)
        var input = unsafe bytes
        var left = count
        while true {
            var field = unsafe nghttp2_nv()
            var flags: Int32 = 0
            let taken = unsafe nghttp2_hd_inflate_hd2(inflater, &field, &flags, input, left, 1)
            guard taken >= 0 else { return .failed(.compressionError) }
            unsafe input += taken
            left -= taken
            if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                unsafe layout.put(field.name, field.namelen, field.value, field.valuelen, &block)
                guard !layout.isBomb else { return .failed(.headerBomb) }
            } else if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
                unsafe nghttp2_hd_inflate_end_headers(inflater)
                return layout.end(&block)
            } else if left == 0, taken == 0 {
                return .failed(.compressionError)
            }
        }
    }
}
