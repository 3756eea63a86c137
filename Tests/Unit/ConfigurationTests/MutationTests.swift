import Testing

@testable import Configuration

/// Damaged files are refused or read, but nothing traps, and what is read can be read again.
@Suite struct MutationTests {
    /// Deterministic, so that a failure can be repeated.
    struct Dice: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    static let fragments = [
        "\n", ":", ": ", "- ", "{", "}", "[", "]", "'", "\"", "&a ", "*a", "<<: ", "!x ", "|\n", ">\n", "#", "\t",
        "---\n", "...\n",
        "${", "${NAME}", "$${", "${X:-", "null", "~", "off", "0", "-1", "99999999999999999999",
        "9223372036854775807GiB", "5 sec",
        "\u{0}", "\u{FEFF}", "é", "\u{85}", "[::1]:0", "unix:/", "/", "*.", "? ", "%YAML 1.1\n", "\r",
    ].map { Array($0.utf8) }

    @Test(arguments: 0..<4) func nothingTraps(seed: Int) throws {
        let sample = try FileBytes.read(path: "\(packageRoot)/config/sendonce.yaml", max: 1 << 20)
        let other = Array(DumpTests().everything.utf8)
        var dice = Dice(state: UInt64(seed))
        var accepted = 0
        for round in 0..<400 {
            var bytes = round.isMultiple(of: 2) ? sample : other
            for _ in 0..<Int.random(in: 1...6, using: &dice) { Self.damage(&bytes, &dice) }
            guard let settings = try? Settings.decode(bytes, file: "f", environment: ["NAME": "n"]) else { continue }
            accepted += 1
            #expect(!settings.upstreams.isEmpty && !settings.routes.isEmpty && !settings.listeners.isEmpty)
            let names = Set(settings.upstreams.map(\.name))
            #expect(settings.routes.allSatisfy { $0.redirect != nil || names.contains($0.upstream ?? "") })
        }
        #expect(accepted > 0)
    }

    private static func damage(_ bytes: inout [UInt8], _ dice: inout Dice) {
        let start = Int.random(in: 0...bytes.count, using: &dice)
        let end = min(bytes.count, start + Int.random(in: 0...40, using: &dice))
        switch Int.random(in: 0..<5, using: &dice) {
        case 0: if start < bytes.count { bytes[start] = UInt8.random(in: 0...255, using: &dice) }
        case 1: bytes.removeSubrange(start..<end)
        case 2: bytes.insert(contentsOf: bytes[start..<end], at: Int.random(in: 0...bytes.count, using: &dice))
        case 3: bytes.replaceSubrange(start..<end, with: fragments.randomElement(using: &dice)!)
        default: bytes.insert(contentsOf: fragments.randomElement(using: &dice)!, at: start)
        }
    }
}
