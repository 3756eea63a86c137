import Testing

@testable import Configuration

@Suite struct QuantityTests {
    @Test(arguments: [
        ("250ms", 250), ("5s", 5000), ("2m", 120_000), ("1h", 3_600_000), ("0", 0), ("0s", 0),
        ("8760h", 31_536_000_000),
    ])
    func duration(text: String, milliseconds: Int) {
        #expect(Quantity.milliseconds(text) == milliseconds)
        #expect(Quantity.milliseconds(Quantity.duration(milliseconds: milliseconds)) == milliseconds)
    }

    @Test(arguments: [
        "", "5", "5 s", "5 sec", "s", "-5s", "+5s", "1.5s", "5S", "1m30s", "8761h", "99999999999999999999s",
        "9223372036854775807h",
    ])
    func noDuration(text: String) { #expect(Quantity.milliseconds(text) == nil) }

    @Test(arguments: [
        ("0", 0), ("512", 512), ("16KiB", 16384), ("10MiB", 10_485_760), ("1GiB", 1_073_741_824), ("7B", 7),
    ])
    func size(text: String, bytes: Int) {
        #expect(Quantity.bytes(text) == bytes)
        #expect(Quantity.bytes(Quantity.size(bytes: bytes)) == bytes)
    }

    @Test(arguments: ["", "KiB", "16kb", "16 KiB", "16K", "-1", "9223372036854775807GiB", "99999999999999999999"])
    func noSize(text: String) { #expect(Quantity.bytes(text) == nil) }
}

@Suite struct SpellingTests {
    let names = ["listeners", "admin", "workers", "upstreams", "routes", "limits", "timeouts", "on_violation"]

    @Test(arguments: [
        ("lisen", "listeners"), ("listen", "listeners"), ("listners", "listeners"), ("admni", "admin"),
        ("Routes", "routes"),
        ("on-violation", "on_violation"), ("upstream", "upstreams"), ("limit", "limits"), ("timout", "timeouts"),
    ])
    func finds(word: String, name: String) { #expect(Spelling.nearest(to: word, among: names) == name) }

    @Test(arguments: ["", "zzz", "x", "database", String(repeating: "l", count: 1000)])
    func staysSilent(word: String) { #expect(Spelling.nearest(to: word, among: names) == nil) }
}

@Suite struct SubstitutionTests {
    let substitution = Substitution(environment: ["HOST": "shop", "EMPTY": "", "API_TOKEN": "t0p"])

    @Test(arguments: [
        ("plain $ $HOST $$", "plain $ $HOST $$"), ("${HOST}:80", "shop:80"), ("${HOST}${HOST}", "shopshop"),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"), ("${NONE:-x:-y}", "x:-y"), ("${NONE:-}", ""), ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("é${HOST}é", "éshopé"),
    ])
    func puts(text: String, result: String) {
        let outcome = substitution.apply(to: text)
        #expect(outcome.text == result)
        #expect(outcome.failures.isEmpty)
        #expect(!outcome.isSecret)
    }

    @Test(arguments: [
        ("${NONE}", 0), ("é ${NONE}", 2), ("a${HOST", 1), ("${}", 0), ("${1A}", 0), ("${A-b}", 0), ("${A B}", 0),
        ("${é}", 0),
    ])
    func refuses(text: String, offset: Int) {
        #expect(substitution.apply(to: text).failures.map(\.offset) == [offset])
    }

    @Test func secretNames() {
        #expect(substitution.apply(to: "Bearer ${API_TOKEN}").isSecret)
        #expect(substitution.apply(to: "${db_password:-x}").isSecret)
        #expect(["TLS_KEY", "MySecret"].allSatisfy { Substitution.isSecret($0) })
    }
}
