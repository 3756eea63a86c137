import Testing

@testable import Admin

struct AdmittedHostsTests {
    private func isAdmitted(
        _ fields: String, target: String = "/metrics", address: String = "admin.internal:9180", names: [String] = []
    ) -> Bool {
        guard case .request(let request, _) = AdminRequest.parse(Array("GET \(target) HTTP/1.1\r\n\(fields)\r\n\r\n".utf8))
        else {
            Issue.record("no request: \(target) \(fields)")
            return false
        }
        return AdmittedHosts(address: address).admit(request, names: names)
    }

    @Test(arguments: [
        "localhost", "LOCALHOST:9180", "localhost.", "a.localhost:1", "127.0.0.1", "127.0.0.1:9180", "10.1.2.3", "[::1]",
        "[::1]:9180", "[2001:db8::1]:80", "admin.internal", "Admin.Internal:1", "admin.internal.:9180", "localhost:",
    ])
    func thisMachineAndItsAddresses(host: String) { #expect(isAdmitted("Host: \(host)")) }

    @Test(arguments: [
        "evil.example", "evil.example:9180", "localhost.evil.example", "127.0.0.1.evil.example", "evillocalhost", "", ":9180",
        ".",
        "localhost:9180@evil.example", "evil@localhost", "127.0.0.1:x", "127.1", "0x7f.0.0.1", "2130706433", "[evil]",
        "[::1]evil",
        "[::1", "::1", "localhost evil.example", "localhost,evil.example", "x.admin.internal", "internal",
    ])
    func others(host: String) { #expect(!isAdmitted("Host: \(host)")) }

    @Test func namesOfTheConfiguration() {
        let names = ["ops.example", "*.mesh.example", "[::2]"]
        for host in ["ops.example", "OPS.example:80", "a.mesh.example", "a.b.mesh.example."] {
            #expect(isAdmitted("Host: \(host)", names: names), "\(host)")
        }
        for host in ["x.ops.example", "mesh.example", ".mesh.example", "amesh.example", "ops.example.evil"] {
            #expect(!isAdmitted("Host: \(host)", names: names), "\(host)")
        }
    }

    @Test func originsMustBeAdmittedToo() {
        for origin in ["http://localhost:3000", "https://127.0.0.1", "http://admin.internal:9180", "HTTP://[::1]:1"] {
            #expect(isAdmitted("Host: localhost\r\nOrigin: \(origin)"), "\(origin)")
        }
        for origin in [
            "null", "", "http://evil.example", "https://localhost.evil.example", "file://", "chrome-extension://localhost",
            "http://localhost/", "http://localhost http://evil.example", "localhost",
        ] {
            #expect(!isAdmitted("Host: localhost\r\nOrigin: \(origin)"), "\(origin)")
        }
        #expect(!isAdmitted("Host: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil.example"))
    }

    @Test func anAbsoluteTargetNamesTheHostToo() {
        #expect(isAdmitted("Host: localhost", target: "http://127.0.0.1:9180/metrics"))
        for target in [
            "http://evil.example/metrics", "http://evil.example", "http://evil.example?a=/", "http://localhost@evil.example/",
        ] {
            #expect(!isAdmitted("Host: localhost", target: target), "\(target)")
        }
    }

    @Test func addressesWithoutAHost() {
        #expect(!isAdmitted("Host: evil.example", address: ":9180"))
        #expect(!isAdmitted("Host: ", address: ":9180"))
        #expect(isAdmitted("Host: localhost", address: "[::]:9180"))
        // No browser connects to one.
        #expect(isAdmitted("Host: anything", address: "unix:/run/admin.sock"))
    }
}
