import CNghttp2

/// Header blocks of one HTTP/2 connection, packed and unpacked by libnghttp2's HPACK.
final class FieldPacker {
    typealias Fields = [(name: String, value: String)]

    private var deflater: OpaquePointer!
    private var inflater: OpaquePointer!

    /// - Parameter tableBytes: of what it has packed it refers to no more.
    init(tableBytes: Int = 4096) {
        precondition(nghttp2_hd_deflate_new(&deflater, tableBytes) == 0 && nghttp2_hd_inflate_new(&inflater) == 0)
    }

    deinit {
        nghttp2_hd_deflate_del(deflater)
        nghttp2_hd_inflate_del(inflater)
    }

    func pack(_ fields: Fields) -> [UInt8] {
        var bytes = fields.flatMap { Array($0.name.utf8) + Array($0.value.utf8) }
        return bytes.withUnsafeMutableBufferPointer { all in
            var at = all.baseAddress!
            var pairs = fields.map { name, value in
                defer { at += name.utf8.count + value.utf8.count }
                return nghttp2_nv(
                    name: at, value: at + name.utf8.count, namelen: name.utf8.count, valuelen: value.utf8.count, flags: 0)
            }
            let most = nghttp2_hd_deflate_bound(deflater, pairs, pairs.count)
            return [UInt8](unsafeUninitializedCapacity: most) { space, count in
                count = max(0, nghttp2_hd_deflate_hd(deflater, space.baseAddress!, most, &pairs, pairs.count))
            }
        }
    }

    /// nil: not HPACK.
    func unpack(_ bytes: [UInt8]) -> Fields? {
        var fields: Fields = []
        var at = 0
        while true {
            var field = nghttp2_nv()
            var flags: Int32 = 0
            let taken = bytes.withUnsafeBufferPointer {
                nghttp2_hd_inflate_hd2(inflater, &field, &flags, $0.baseAddress.map { $0 + at }, $0.count - at, 1)
            }
            guard taken >= 0 else { return nil }
            at += taken
            if flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0 {
                fields.append((Self.text(field.name, field.namelen), Self.text(field.value, field.valuelen)))
            } else if flags & Int32(NGHTTP2_HD_INFLATE_FINAL.rawValue) != 0 {
                nghttp2_hd_inflate_end_headers(inflater)
                return fields
            } else if taken == 0 {
                return nil
            }
        }
    }

    private static func text(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
