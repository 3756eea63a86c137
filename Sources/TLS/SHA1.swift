import COpenSSL

/// SHA-1 (FIPS 180-4): what a WebSocket's handshake is proven with (RFC 6455 section 4.2.2). No secret depends on it.
package enum SHA1 {
    /// The digest of a message, in base64 (RFC 4648 section 4).
    package static func base64Digest(of message: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
        _ = unsafe COpenSSL.SHA1(message, message.count, &digest)
        // Four digits for each three bytes begun, and a zero.
        var text = [UInt8](repeating: 0, count: (digest.count + 2) / 3 * 4 + 1)
        let count = unsafe EVP_EncodeBlock(&text, digest, Int32(digest.count))
        return String(decoding: text.prefix(Int(count)), as: UTF8.self)
    }
}
