import CFuzzer
import Glibc

// fuzz TARGET [libFuzzer's arguments]: mutates bytes and gives them to the target until one of its promises is broken.

let names = targets.map(\.name).joined(separator: " ")
guard CommandLine.arguments.count > 1, let target = targets.first(where: { $0.name == CommandLine.arguments[1] }) else {
    print("usage: fuzz TARGET [ARGUMENTS]; targets: \(names)")
    exit(2)
}

/// What the callback, which can capture nothing, gives the bytes to.
nonisolated(unsafe) let run = target.run

var arguments: [UnsafeMutablePointer<CChar>?] = [CommandLine.unsafeArgv[0]]
for i in 2..<max(2, Int(CommandLine.argc)) { arguments.append(CommandLine.unsafeArgv[i]) }
var count = CInt(arguments.count)
arguments.append(nil)
arguments.withUnsafeMutableBufferPointer { buffer in
    var argv = buffer.baseAddress
    exit(
        LLVMFuzzerRunDriver(&count, &argv) { bytes, count in
            run(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        })
}
