import COpenSSL
import CTLS

/// One X.509 certificate, and what an operator wants to know of it.
final class Certificate {
    let pointer: OpaquePointer

    /// Takes over the reference.
    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { X509_free(pointer) }

    /// The hosts that it is for, in lower case: names may begin with `*.`; its CN when it lists none (RFC 6125 section 6.4.4).
    var hostNames: [String] {
        var names: [String] = []
        while let name = text(256, { so_tls_host_name(self.pointer, Int32(names.count), $0, $1) }) {
            names.append(name.lowercased())
        }
        return names
    }

    /// As RFC 2253 writes it: `CN=shop.example,O=Shop`.
    var subject: String { text(512) { so_tls_subject(self.pointer, $0, $1) } ?? "" }

    /// The whole certificate in DER.
    var encoded: [UInt8] {
        let count = Int(i2d_X509(pointer, nil))
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { out, used in
            var end = out.baseAddress
            used = max(0, Int(i2d_X509(self.pointer, &end)))
        }
    }

    /// What makes peers refuse it today; nil when its time is now.
    var trouble: String? {
        if X509_cmp_current_time(X509_get0_notAfter(pointer)) < 0 {
            return "the certificate has expired on \(day(X509_get0_notAfter(pointer)))"
        }
        if X509_cmp_current_time(X509_get0_notBefore(pointer)) > 0 {
            return "the certificate is not valid before \(day(X509_get0_notBefore(pointer)))"
        }
        return nil
    }

    private func day(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        text(16) { so_tls_day(time, $0, $1) } ?? "an unreadable day"
    }

    /// What a C function writes that returns its length, or a negative number for nothing.
    private func text(_ capacity: Int, _ write: (UnsafeMutablePointer<CChar>, Int) -> Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { out in
            let count = Int(write(out.baseAddress!, capacity))
            guard count >= 0 else { return nil }
            return String(decoding: UnsafeRawBufferPointer(out)[..<min(count, capacity - 1)], as: UTF8.self)
        }
    }
}
