import CCurl
import CZlib

/// libcurl, posting to one URL. Used by one thread at a time.
@safe final class CurlClient: @unchecked Sendable {
    private let settings: OTLPSettings
    private let client: OpaquePointer
    private let headers: [String]

    init(_ settings: OTLPSettings) throws(OTLPSettings.Problem) {
        var reason = [CChar](repeating: 0, count: 256)
        guard let client = unsafe so_curl_open(&reason, reason.count) else {
            throw OTLPSettings.Problem(
                description: String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
        unsafe self.client = unsafe client
        self.settings = settings
        // curl would wait for a 100 before a body of some size.
        headers =
            ["Content-Type: \(settings.encoding.contentType)", "Expect:"]
            + (settings.compresses ? ["Content-Encoding: gzip"] : [])
            + settings.headers.map { "\($0.name): \($0.value)" }
    }

    deinit { unsafe so_curl_close(client) }

    func post(_ body: [UInt8]) -> OTLPAnswer {
        let sent = settings.compresses ? Self.gzipped(body) ?? body : body
        let isPlain = settings.compresses && sent.count == body.count && sent == body
        let lines = isPlain ? headers.filter { !$0.hasPrefix("Content-Encoding") } : headers
        let texts = unsafe lines.map { unsafe Self.copied($0) }
        defer { unsafe texts.forEach { unsafe $0.deallocate() } }
        let answer = UnsafeMutablePointer<so_curl_answer>.allocate(capacity: 1)
        unsafe answer.initialize(to: so_curl_answer())
        defer { unsafe answer.deallocate() }
        let pointers = unsafe texts.map { unsafe UnsafePointer($0) as UnsafePointer<CChar>? }
        unsafe sent.withUnsafeBytes { bytes in
            unsafe so_curl_post(
                client, settings.url, pointers, Int32(pointers.count), bytes.baseAddress, bytes.count,
                settings.timeoutMilliseconds, settings.authorities, settings.clientCertificate, settings.clientKey, answer)
        }
        let body = unsafe Array(UnsafeRawBufferPointer(start: so_curl_body(answer), count: answer.pointee.body_length))
        let error = unsafe String(cString: so_curl_error(answer))
        return unsafe OTLPAnswer.read(
            status: answer.pointee.status, retryAfterSeconds: answer.pointee.retry_after, body: body, error: error,
            encoding: settings.encoding)
    }

    private static func copied(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = Array(text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        unsafe copy.initialize(from: bytes, count: bytes.count)
        return unsafe copy
    }

    /// nil when zlib has no memory.
    static func gzipped(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = unsafe z_stream()
        // 16 more than the largest window asks for gzip's own header.
        let isReady = unsafe deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
            Int32(MemoryLayout<z_stream>.size))
        guard isReady == Z_OK else { return nil }
        defer { unsafe deflateEnd(&stream) }
        var input = bytes
        let room = unsafe Int(deflateBound(&stream, UInt(bytes.count)))
        return unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe [UInt8](unsafeUninitializedCapacity: room) { target, count in
                unsafe stream.next_in = source.baseAddress
                unsafe stream.avail_in = UInt32(source.count)
                unsafe stream.next_out = target.baseAddress
                unsafe stream.avail_out = UInt32(room)
                count = unsafe deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
    }
}
