import COpenSSL
import CTLS

/// One X.509 certificate, and what an operator wants to know of it.
@safe final class Certificate {
    let pointer: OpaquePointer

    /// Takes over the reference.
    init(_ pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }
    deinit { unsafe X509_free(pointer) }

    /// The hosts that it is for, in lower case: names may begin with `*.`; its CN when it lists none (RFC 6125 section 6.4.4).
    var hostNames: [String] {
        var names: [String] = []
        while let name = unsafe text(256, { unsafe so_tls_host_name(self.pointer, Int32(names.count), $0, $1) }) {
            names.append(name.lowercased())
        }
        return names
    }

    /// As RFC 2253 writes it: `CN=shop.example,O=Shop`.
    var subject: String { unsafe text(512) { unsafe so_tls_subject(self.pointer, $0, $1) } ?? "" }

    /// The whole certificate in DER.
    var encoded: [UInt8] {
        let count = unsafe Int(i2d_X509(pointer, nil))
        guard count > 0 else { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { out, used in
            var end = out.baseAddress
            used = unsafe max(0, Int(i2d_X509(self.pointer, &end)))
        }
    }

    /// What makes peers refuse it today; nil when its time is now.
    var trouble: String? {
        if unsafe X509_cmp_current_time(X509_get0_notAfter(pointer)) < 0 {
            return unsafe "the certificate has expired on \(day(X509_get0_notAfter(pointer)))"
        }
        if unsafe X509_cmp_current_time(X509_get0_notBefore(pointer)) > 0 {
            return unsafe "the certificate is not valid before \(day(X509_get0_notBefore(pointer)))"
        }
        return nil
    }

    private func day(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        unsafe text(16) { unsafe so_tls_day(time, $0, $1) } ?? "an unreadable day"
    }

    /// What a C function writes that returns its length, or a negative number for nothing.
    private func text(_ capacity: Int, _ write: (UnsafeMutablePointer<CChar>, Int) -> Int32) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { out in
            let count = unsafe Int(write(out.baseAddress!, capacity))
            guard count >= 0 else { return nil }
            return unsafe String(decoding: UnsafeRawBufferPointer(out)[..<min(count, capacity - 1)], as: UTF8.self)
        }
    }
}
