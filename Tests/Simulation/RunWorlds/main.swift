import CPeerTLS
import Glibc
import Proxy
import Simulation
import Worlds

// RunWorlds [SORT] [COUNT [innocent|faulty] [BASE]], RunWorlds [SORT] 0xSEED [told] [without REQUESTS,TROUBLES] [lost WAKEUP], or
// RunWorlds wakeups [COUNT]. SORT: see WorldSort; without it a count is of each, and a seed one of `bytes`. Without a base each run
// has worlds of its own.
// For scripts/yardstick: RunWorlds chronicles COUNT innocent|faulty BASE, a line `0xSEED HASH` for each world; RunWorlds sizes, of slab elements.

/// Bad worlds that are made smaller; it takes some dozens of runs.
let shrunkMax = 3

/// The world that is running, in words: told when it traps.
nonisolated(unsafe) var running = ""

func fromSystem() -> UInt64 { UInt64.random(in: 1...UInt64(UInt32.max)) }

func runOne(_ seed: UInt64, told: Bool) -> Int32 {
    var reduction = Reduction()
    if let place = arguments.firstIndex(of: "without") {
        guard let read = Reduction([arguments[place + 1]]) else { return 2 }
        reduction = read
    }
    let world = SimulatedWorld(seed: seed, sort: sort, reduction)
    if told { world.chronicle = { print($0) } }
    if let place = arguments.firstIndex(of: "lost") { world.lostWakeUp = Int(arguments[place + 1]) }
    let failures = world.run()
    for failure in failures { print(failure) }
    print("0x\(String(seed, radix: 16)): \(failures.isEmpty ? "nothing wrong" : "\(failures.count) failures")")
    return failures.isEmpty ? 0 : 1
}

func runMany(_ count: Int, of sort: WorldSort, isInnocent: Bool?, base: UInt64) -> Int32 {
    var bad = 0
    var done = 0
    var turns = 0
    var incidents = 0
    var callsPeak = 0
    var allocationsPeak = 0
    var held: [String: Int] = [:]
    for seed in WorldSeeds(base: base, count: count, isInnocent: isInnocent) {
        running = "scripts/simulate \(sort.rawValue) 0x\(String(seed, radix: 16))"
        let world = SimulatedWorld(seed: seed, sort: sort)
        let failures = world.run()
        done += 1
        turns += world.turns
        incidents += world.incidentCount
        callsPeak = max(callsPeak, world.callsPeak)
        allocationsPeak = max(allocationsPeak, world.allocationsPeak)
        held.merge(world.held) { $0 + $1 }
        guard !failures.isEmpty else { continue }
        bad += 1
        print(running)
        for failure in failures.prefix(5) { print("    \(failure)") }
        if bad <= shrunkMax {
            let smallest = Reduction.smallest(seed: seed, sort: sort).text
            print("    smaller: scripts/simulate \(sort.rawValue) 0x\(String(seed, radix: 16)) told without \(smallest)")
        }
        fflush(nil)
        if bad == 10 { break }
    }
    print(
        "\(done) worlds of \(sort.rawValue) (base \(base)): \(turns) turns of the worker, \(incidents) incidents, at most \(callsPeak) system calls a turn, \(bad) bad worlds"
    )
    if allocationsPeak > 0 { print("    at most \(allocationsPeak) allocations of OpenSSL's a turn") }
    if !held.isEmpty {
        print("    held: \(held.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))")
    }
    let unheld = done < 3000 ? [] : sort.held.filter { held[$0] == nil }
    if !unheld.isEmpty { print("    never held: \(unheld.joined(separator: ", "))") }
    fflush(nil)
    return bad == 0 && unheld.isEmpty ? 0 : 1
}

/// Loses each wake-up of a world in turn: those that nothing made up for, and how many the world noticed.
func loseWakeUps(_ seed: UInt64) -> Int32 {
    let whole = SimulatedWorld(seed: seed)
    guard whole.isSteady, whole.run().isEmpty, whole.everyoneWasServed else { return 0 }
    var lost = 0
    var unnoticed: [String] = []
    for wakeUp in 1...max(1, whole.wakeUps) {
        let world = SimulatedWorld(seed: seed)
        world.lostWakeUp = wakeUp
        let failures = world.run()
        guard world.isLostForGood else { continue }
        lost += 1
        if failures.isEmpty { unnoticed.append("\(wakeUp): \(world.lostWakeUpFacts)") }
    }
    print("0x\(String(seed, radix: 16)): \(whole.wakeUps) wake-ups, \(lost) lost for good, unnoticed: \(unnoticed)")
    return unnoticed.isEmpty ? 0 : 1
}

/// All that the peers of a world see and do, as one number (FNV-1a).
func chronicleHash(_ seed: UInt64) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    let world = SimulatedWorld(seed: seed)
    world.chronicle = { line in
        for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    for failure in world.run() {
        for byte in failure.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    return hash
}

// What OpenSSL allocates once is none of a world's.
guard so_memory_install() == 1 else { fatalError("OpenSSL's memory cannot be counted") }
for seed: UInt64 in [2, 4, 6] { _ = SimulatedWorld(seed: seed, sort: .records).run() }
let named = CommandLine.arguments.dropFirst().first.flatMap { WorldSort(rawValue: $0) }
let sort = named ?? .bytes
let arguments = Array(CommandLine.arguments.dropFirst(named == nil ? 1 : 2))
let first = arguments.first ?? "1000"
if first == "sizes" {
    for (name, bytes) in SlabElements.bytes { print(name, bytes) }
    exit(0)
}
if first == "chronicles", arguments.count == 4, let count = Int(arguments[1]), let base = UInt64(arguments[3]) {
    for seed in WorldSeeds(base: base, count: count, isInnocent: arguments[2] == "innocent") {
        print("0x\(String(seed, radix: 16)) \(String(chronicleHash(seed), radix: 16))")
    }
    exit(0)
}
if first == "wakeups" {
    var result: Int32 = 0
    for seed in WorldSeeds(base: 5, count: Int(arguments.dropFirst().first ?? "") ?? 12, isInnocent: true) {
        result |= loseWakeUps(seed)
    }
    exit(result)
}
if first.hasPrefix("0x"), let seed = UInt64(first.dropFirst(2), radix: 16) {
    exit(runOne(seed, told: arguments.contains("told")))
}
guard let count = Int(first) else {
    print("usage: RunWorlds [SORT] [COUNT [innocent|faulty] [BASE] | 0xSEED [told] [without REQUESTS,TROUBLES]]")
    exit(2)
}
let kinds = arguments.contains("innocent") ? true : arguments.contains("faulty") ? false : nil
let base = arguments.dropFirst().compactMap { UInt64($0) }.first ?? fromSystem()
signal(SIGILL) { _ in
    print("\(running)\n    trapped")
    fflush(nil)
    _exit(1)
}
var result: Int32 = 0
for sort in named.map({ [$0] }) ?? WorldSort.allCases { result |= runMany(count, of: sort, isInnocent: kinds, base: base) }
exit(result)
