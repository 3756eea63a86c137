import ArgumentParser
import Configuration
import Replay
import Traces

struct ReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Run the detector over recorded bytes: no sockets, no clock.",
        discussion: """
            Plays what the upstream sent to the proxy's own event loop, in memory, and prints the events (=) and the \
            incidents (!) that come of it. Where the trace says what must come of it, +! is an incident that it does not \
            say and -! one that did not come; +# is something that a client should not have got. Then the exit code is 1.
            """)

    @Flag(help: "Also cut what the upstream sent at every byte; print only what a cut changes.") var cut = false
    @Argument(help: ArgumentHelp("Traces: what travelled on a connection to an upstream.", valueName: "trace"))
    var traces: [String]

    func run() throws {
        var equal = 0
        var different = 0
        var unplayable = 0
        for path in traces {
            let trace = try load(path)
            print("# \(path)\(trace.title.isEmpty ? "" : ": \(trace.title)")")
            do throws(Replay.Unplayable) {
                if try replay(trace) { equal += 1 } else { different += 1 }
            } catch {
                print("# not replayed: \(error)")
                // A request before its turn is nothing that this proxy could meet; anything else is missing.
                if !trace.isPipelined { unplayable += 1 }
            }
        }
        if traces.count > 1 {
            print(
                "# \(traces.count) traces, \(equal) as recorded, \(different) different, \(traces.count - equal - different) not replayed"
            )
        }
        if different + unplayable > 0 { throw ExitCode(1) }
    }

    private func load(_ path: String) throws -> Trace {
        let bytes: [UInt8]
        do throws(FileBytes.Unreadable) {
            bytes = try FileBytes.read(path: path, max: Trace.pieceBytesMax)
        } catch {
            throw Failure.runtime("\(path): \(error.reason)")
        }
        do throws(TraceError) {
            return try Trace.parse(bytes)
        } catch {
            throw Failure.usage("\(path):\(error.line): \(error.message)")
        }
    }

    /// Prints what comes of a trace; false when that is not what was recorded.
    private func replay(_ trace: Trace) throws(Replay.Unplayable) -> Bool {
        let outcome = try Replay.run(trace)
        for event in outcome.events { print("= \(event)") }
        let recorded = trace.isJudged ? trace.expectations : outcome.incidents
        var isEqual = show(Comparison(found: outcome.incidents, recorded: recorded), showsSame: true)
        if !trace.events.isEmpty, trace.events != outcome.events {
            for event in trace.events { print("-= \(event)") }
            isEqual = false
        }
        for fault in outcome.faults {
            print("+# \(fault)")
            isEqual = false
        }
        guard cut else { return isEqual }
        for cutting in try Replay.cuttings(of: trace, everywhere: true) {
            let changed = try Replay.run(trace, cutting: cutting)
            let comparison = Comparison(found: changed.incidents, recorded: outcome.incidents)
            if comparison.isEqual, changed.faults.isEmpty { continue }
            print("# cut \(cutting)")
            isEqual = false
            _ = show(comparison, showsSame: false)
            for fault in changed.faults { print("+# \(fault)") }
        }
        return isEqual
    }

    private func show(_ comparison: Comparison, showsSame: Bool) -> Bool {
        if showsSame { for incident in comparison.same { print("! \(incident)") } }
        for incident in comparison.unexpected { print("+! \(incident)") }
        for incident in comparison.missing { print("-! \(incident)") }
        return comparison.isEqual
    }
}
