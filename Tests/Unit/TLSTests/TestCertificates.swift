import Glibc
import Synchronization

@testable import TLS

/// Authorities and certificates for the tests, made once by the openssl program, in a directory that goes when the tests end.
struct TestCertificates {
    static let directory: String = {
        var template = Array("/tmp/sendonce-tls-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no temporary directory") }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        made.withLock { $0 = path }
        atexit { _ = shell("rm -rf '\(TestCertificates.made.withLock { $0 })'") }
        let status = shell("cd '\(path)' && (\(script)) >openssl.log 2>&1")
        guard status == 0 else { fatalError("openssl failed: see \(path)/openssl.log") }
        return path
    }()

    private static let made = Mutex("")

    static func path(_ name: String) -> String { "\(directory)/\(name)" }

    static func files(_ name: String, key: String? = nil) -> CertificateFiles {
        CertificateFiles(certificate: path("\(name).pem"), key: path("\(key ?? name).key"))
    }

    private static func shell(_ command: String) -> Int32 { system(command) }

    private static let script = """
        set -e
        ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
        authority() { openssl req -x509 $ec -subj "/CN=$1" -keyout $1.key -out $1.pem -days 30; }
        issue() { # name, authority, names, kind of key
            openssl req -x509 ${4:-$ec} -subj "/O=Shop/CN=$1" -addext "subjectAltName=$3" \
                -CA $2.pem -CAkey $2.key -keyout $1.key -out $1.pem -days ${5:-30}
        }
        authority ca
        authority stranger
        issue shop ca DNS:shop.example,IP:127.0.0.1,IP:::1
        issue wild ca DNS:*.shop.example,DNS:Other.Example
        issue admin ca DNS:admin.shop.example
        issue rsa ca DNS:shop.example '-newkey rsa:2048 -nodes'
        issue shop2 ca DNS:shop.example
        issue client ca DNS:client.example
        issue intruder stranger DNS:client.example
        openssl req $ec -new -subj /CN=expired -keyout expired.key -out expired.csr
        openssl x509 -req -in expired.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out expired.pem -days -1
        openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=weak -keyout weak.key -out weak.pem -days 30
        openssl ec -in shop.key -aes256 -passout pass:secret -out locked.key
        openssl x509 -in shop.pem -outform DER -out der.pem
        cat shop.pem shop.key > both.pem
        sed '3d' shop.pem > broken.pem
        : > empty.pem
        echo hello > text.pem
        """
}
