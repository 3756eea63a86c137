import TLS
import Testing

@Suite struct SHA1Tests {
    /// FIPS 180's own examples, and lengths around a block's end.
    @Test(arguments: [
        ("", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
        ("abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "hJg+RBw70m66rkqh+VEp5eVGcPE="),
        (String(repeating: "a", count: 55), "wci73CJ5bijA4VFj0giZtlYh1lo="),
        (String(repeating: "a", count: 64), "AJi6gktcFkJ716ESKlpEKiXsZE0="),
    ])
    func digests(_ text: String, _ expected: String) { #expect(SHA1.base64Digest(of: Array(text.utf8)) == expected) }
}
