import CCurl
import CZlib

/// libcurl, posting to one URL. Used by one thread at a time.
final class CurlClient: @unchecked Sendable {
    private let settings: OTLPSettings
    private let client: OpaquePointer
    private let headers: [String]

    init(_ settings: OTLPSettings) throws(OTLPSettings.Problem) {
        var reason = [CChar](repeating: 0, count: 256)
        guard let client = so_curl_open(&reason, reason.count) else {
            throw OTLPSettings.Problem(
                description: String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
        }
        self.client = client
        self.settings = settings
        // curl would wait for a 100 before a body of some size.
        headers =
            ["Content-Type: \(settings.encoding.contentType)", "Expect:"]
            + (settings.compresses ? ["Content-Encoding: gzip"] : [])
            + settings.headers.map { "\($0.name): \($0.value)" }
    }

    deinit { so_curl_close(client) }

    func post(_ body: [UInt8]) -> OTLPAnswer {
        let sent = settings.compresses ? Self.gzipped(body) ?? body : body
        let isPlain = settings.compresses && sent.count == body.count && sent == body
        let lines = isPlain ? headers.filter { !$0.hasPrefix("Content-Encoding") } : headers
        let texts = lines.map { Self.copied($0) }
        defer { texts.forEach { $0.deallocate() } }
        let answer = UnsafeMutablePointer<so_curl_answer>.allocate(capacity: 1)
        answer.initialize(to: so_curl_answer())
        defer { answer.deallocate() }
        let pointers = texts.map { UnsafePointer($0) as UnsafePointer<CChar>? }
        sent.withUnsafeBytes { bytes in
            so_curl_post(
                client, settings.url, pointers, Int32(pointers.count), bytes.baseAddress, bytes.count,
                settings.timeoutMilliseconds, settings.authorities, settings.clientCertificate, settings.clientKey, answer)
        }
        let body = Array(UnsafeRawBufferPointer(start: so_curl_body(answer), count: answer.pointee.body_length))
        let error = String(cString: so_curl_error(answer))
        return OTLPAnswer.read(
            status: answer.pointee.status, retryAfterSeconds: answer.pointee.retry_after, body: body, error: error,
            encoding: settings.encoding)
    }

    private static func copied(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = Array(text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        return copy
    }

    /// nil when zlib has no memory.
    static func gzipped(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // 16 more than the largest window asks for gzip's own header.
        let isReady = deflateInit2_(
            &stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
            Int32(MemoryLayout<z_stream>.size))
        guard isReady == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        let room = Int(deflateBound(&stream, UInt(bytes.count)))
        return input.withUnsafeMutableBufferPointer { source in
            [UInt8](unsafeUninitializedCapacity: room) { target, count in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(room)
                count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            }
        }
    }
}
