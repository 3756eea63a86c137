import Glibc
import Worlds

// Runs worlds by number or by seed: RunWorlds COUNT [BASE] [innocent|faulty], RunWorlds 0xSEED [told]. Fails on the first bad one.

func seed(_ text: String) -> UInt64? { text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : nil }

let arguments = CommandLine.arguments.dropFirst()
let first = arguments.first ?? "1000"
if let seed = seed(first) {
    let world = SimulatedWorld(seed: seed)
    if arguments.contains("told") { world.chronicle = { print($0) } }
    let failures = world.run()
    for failure in failures { print(failure) }
    print(failures.isEmpty ? "seed \(first): nothing wrong" : "seed \(first): \(failures.count) failures")
    exit(failures.isEmpty ? 0 : 1)
}
guard let count = Int(first) else {
    print("usage: RunWorlds COUNT [BASE] [innocent|faulty] | 0xSEED [told]")
    exit(2)
}
let kind = arguments.dropFirst(2).first
var bad = 0
var turns = 0
for seed in WorldSeeds(base: UInt64(arguments.dropFirst().first ?? "") ?? 1, count: count, isInnocent: kind.map { $0 == "innocent" }) {
    let world = SimulatedWorld(seed: seed)
    let failures = world.run()
    turns += world.turns
    guard !failures.isEmpty else { continue }
    bad += 1
    print("scripts/simulate 0x\(String(seed, radix: 16))")
    for failure in failures.prefix(5) { print("    \(failure)") }
    if bad == 10 { break }
}
print("\(count) worlds, \(turns) turns of the worker, \(bad) bad")
exit(bad == 0 ? 0 : 1)
