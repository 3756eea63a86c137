/// New targets for requests: taking a prefix off, rewriting, redirecting. They stand in the router's memory until the next one is made.
extension Router {
    /// What else a new target may have beside the old one's bytes.
    public static var addedBytesMax: Int { 4096 }

    /// The target without the prefix, where it begins with it: at least a slash, and the query. `prefix` as `PathReading.literal` gives it.
    public func strip(_ prefix: [UInt8], from target: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        let path = unsafe Self.path(of: target)
        let end = prefix.last == 0x2f ? prefix.count - 1 : prefix.count
        let used = unsafe prefix.withUnsafeBufferPointer {
            unsafe PathReading.count(of: UnsafeBufferPointer(rebasing: $0[..<end]), in: path)
        }
        guard var start = used, unsafe start == path.count || path[start] == 0x2f || (start > 0 && path[start - 1] == 0x2f)
        else {
            return unsafe target
        }
        // Two slashes at the front would be read as the beginning of a host.
        while start < path.count, unsafe path[start] == 0x2f { start += 1 }
        unsafe rewritten[0] = 0x2f
        let rest = target.count - start
        guard rest > 0 else { return unsafe UnsafeBufferPointer(start: rewritten, count: 1) }
        unsafe (rewritten + 1).update(from: target.baseAddress! + start, count: rest)
        return unsafe UnsafeBufferPointer(start: rewritten, count: rest + 1)
    }

    /// The target that a template makes, with the query of the old one. Nil when it becomes too long.
    public func rewrite(_ template: PathTemplate, target: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        let path = unsafe Self.path(of: target)
        guard let count = unsafe fill(template, host: UnsafeBufferPointer(start: nil, count: 0), target: target) else {
            return nil
        }
        let query = target.count - path.count
        guard count + query <= bytesMax else { return nil }
        if query > 0 { unsafe (rewritten + count).update(from: target.baseAddress! + path.count, count: query) }
        return unsafe UnsafeBufferPointer(start: rewritten, count: count + query)
    }

    /// The URL that a template makes for a request. Nil when it becomes too long.
    public func location(
        _ template: PathTemplate, host: UnsafeBufferPointer<UInt8>, target: UnsafeBufferPointer<UInt8>
    ) -> UnsafeBufferPointer<UInt8>? {
        unsafe fill(template, host: host, target: target).map { unsafe UnsafeBufferPointer(start: rewritten, count: $0) }
    }

    private func fill(
        _ template: PathTemplate, host: UnsafeBufferPointer<UInt8>, target: UnsafeBufferPointer<UInt8>
    ) -> Int? {
        var count = 0
        func put(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
            guard count + bytes.count <= bytesMax else { return false }
            if let start = bytes.baseAddress { unsafe (rewritten + count).update(from: start, count: bytes.count) }
            count += bytes.count
            return true
        }
        let path = unsafe Self.path(of: target)
        for piece in template.pieces {
            let fits: Bool
            switch piece.part {
            case .text:
                fits = unsafe template.text.withUnsafeBufferPointer {
                    unsafe put(UnsafeBufferPointer(rebasing: $0[piece.start..<piece.start + piece.count]))
                }
            case .capture: fits = unsafe putEncoded(capture(piece.start), &count)
            case .host: fits = unsafe put(Self.withoutPort(host))
            case .path: fits = unsafe put(path)
            case .query: fits = unsafe put(UnsafeBufferPointer(rebasing: target[path.count...]))
            }
            guard fits else { return nil }
        }
        return count
    }

    /// Writes captured bytes as a path may have them (RFC 3986 section 3.3).
    private func putEncoded(_ bytes: UnsafeBufferPointer<UInt8>, _ count: inout Int) -> Bool {
        for i in bytes.indices {
            let byte = unsafe bytes[i]
            // What has kept its encoding keeps it.
            if unsafe Self.isPathByte(byte) || (byte == 0x25 && PathReading.unit(bytes, i).length == 3) {
                guard count < bytesMax else { return false }
                unsafe rewritten[count] = byte
                count += 1
            } else {
                guard count + 3 <= bytesMax else { return false }
                unsafe rewritten[count] = 0x25
                unsafe rewritten[count + 1] = Self.digit(byte >> 4)
                unsafe rewritten[count + 2] = Self.digit(byte & 15)
                count += 3
            }
        }
        return true
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x37 + value }

    private static func isPathByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        // / - . _ ~ ! $ & ' ( ) * + , ; = : @
        case 0x2f, 0x2d, 0x2e, 0x5f, 0x7e, 0x21, 0x24, 0x26...0x2c, 0x3b, 0x3d, 0x3a, 0x40: true
        default: false
        }
    }

    private static func withoutPort(_ host: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var count = host.count
        while count > 0, unsafe host[count - 1] &- 0x30 < 10 { count -= 1 }
        guard count > 0, count < host.count, unsafe host[count - 1] == 0x3a else { return unsafe host }
        return unsafe UnsafeBufferPointer(rebasing: host[..<(count - 1)])
    }
}
