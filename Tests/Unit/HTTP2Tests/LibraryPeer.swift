import CNghttp2

/// The other side of a connection as libnghttp2 plays it: an implementation that is not ours.
final class LibraryPeer {
    private var session: OpaquePointer!
    /// What is to be sent on a stream, and how far that has got.
    private var bodies: [Int32: (bytes: [UInt8], at: Int)] = [:]
    private(set) var fields: [Int32: [String]] = [:]
    private(set) var received: [Int32: [UInt8]] = [:]
    private(set) var ended: [Int32] = []
    private(set) var closed: [Int32: UInt32] = [:]
    private(set) var goAway: UInt32?
    private(set) var invalid = 0

    init(isServer: Bool) {
        var callbacks: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        defer { nghttp2_session_callbacks_del(callbacks) }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) { _, frame, name, nameCount, value, valueCount, _, peer in
            let line = LibraryPeer.text(name, nameCount) + ": " + LibraryPeer.text(value, valueCount)
            LibraryPeer.of(peer).fields[frame!.pointee.hd.stream_id, default: []].append(line)
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, stream, bytes, count, peer in
            LibraryPeer.of(peer).received[stream, default: []] += UnsafeBufferPointer(start: bytes, count: count)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, peer in
            let header = frame!.pointee.hd
            if header.type <= 1, header.flags & 1 != 0 { LibraryPeer.of(peer).ended.append(header.stream_id) }
            if header.type == 7 { LibraryPeer.of(peer).goAway = frame!.pointee.goaway.error_code }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, stream, code, peer in
            LibraryPeer.of(peer).closed[stream] = code
            return 0
        }
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, _, peer in
            LibraryPeer.of(peer).invalid += 1
            return 0
        }
        let me = Unmanaged.passUnretained(self).toOpaque()
        if isServer {
            nghttp2_session_server_new(&session, callbacks, me)
        } else {
            nghttp2_session_client_new(&session, callbacks, me)
        }
        nghttp2_submit_settings(session, 0, nil, 0)
    }

    deinit { nghttp2_session_del(session) }

    func receive(_ bytes: [UInt8]) -> Bool { nghttp2_session_mem_recv(session, bytes, bytes.count) == bytes.count }

    func output() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            var bytes: UnsafePointer<UInt8>?
            let n = nghttp2_session_mem_send(session, &bytes)
            guard n > 0 else { return all }
            all += UnsafeBufferPointer(start: bytes, count: n)
        }
    }

    func request(_ fields: [(String, String)], _ body: [UInt8]?) -> Int32 {
        withFields(fields) { nva, count in
            // The body is known by the stream that comes next.
            let next = Int32(nghttp2_session_get_next_stream_id(session))
            guard let body else { return nghttp2_submit_request(session, nil, nva, count, nil, nil) }
            bodies[next] = (body, 0)
            var provider = Self.provider
            return nghttp2_submit_request(session, nil, nva, count, &provider, nil)
        }
    }

    func answer(_ stream: Int32, _ fields: [(String, String)], _ body: [UInt8]) {
        _ = withFields(fields) { nva, count in
            bodies[stream] = (body, 0)
            var provider = Self.provider
            return nghttp2_submit_response(session, stream, nva, count, &provider)
        }
    }

    private static var provider: nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source()) { _, stream, into, room, flags, _, peer in
            let me = LibraryPeer.of(peer)
            let body = me.bodies[stream]!
            let n = min(room, body.bytes.count - body.at)
            body.bytes.withUnsafeBufferPointer { if n > 0 { into!.update(from: $0.baseAddress! + body.at, count: n) } }
            me.bodies[stream]!.at += n
            if body.at + n == body.bytes.count { flags!.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue) }
            return n
        }
    }

    private func withFields(_ fields: [(String, String)], _ body: (UnsafePointer<nghttp2_nv>, Int) -> Int32) -> Int32 {
        var bytes = fields.flatMap { Array($0.0.utf8) + Array($0.1.utf8) }
        return bytes.withUnsafeMutableBufferPointer { all in
            var at = all.baseAddress!
            let pairs = fields.map { name, value in
                defer { at += name.utf8.count + value.utf8.count }
                return nghttp2_nv(
                    name: at, value: at + name.utf8.count, namelen: name.utf8.count, valuelen: value.utf8.count, flags: 0)
            }
            return body(pairs, pairs.count)
        }
    }

    private static func of(_ peer: UnsafeMutableRawPointer?) -> LibraryPeer {
        Unmanaged<LibraryPeer>.fromOpaque(peer!).takeUnretainedValue()
    }

    private static func text(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}
