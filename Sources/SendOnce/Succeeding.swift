import CShim
import Glibc
import Proxy

/// How a process of ours begins: by `exec`, with its inheritance in descriptors that stay open and an environment variable that
/// names them, a line each: `WORD NUMBER... NAME`.
///
/// A worker process is never a mere fork: Swift's runtime would go on with its parent's thread id in its locks, and two threads
/// that meet in one would wait for each other for ever.
enum Succeeding {
    static let workerVariable = "SENDONCE_WORKER"
    static let supervisorVariable = "SENDONCE_SUPERVISOR"

    /// What a worker process executes.
    enum Program {
        /// The one that runs, even when its file has been replaced or removed since.
        case running
        /// Whatever stands now where it was started from.
        case installed
    }

    struct State {
        var sockets: [NamedDescriptor] = []
        var restarts: UInt64 = 0
        var followsCrash = false
        var link: Int32 = -1
        var worker: WorkerProcess?
        var retiring: [WorkerProcess] = []
    }

    private static let runningProgram = "/proc/self/exe"

    /// Starts a worker process. Returns its id, or -errno.
    static func startWorker(_ program: Program, _ inheritance: Inheritance) -> Int32 {
        let link = inheritance.supervisor?.descriptor ?? -1
        var lines = ["link \(link)", "restarts \(inheritance.restarts)"] + inheritance.sockets.map(line)
        if inheritance.followsCrash { lines.append("crashed 1") }
        setenv(workerVariable, lines.joined(separator: "\n"), 1)
        defer { unsetenv(workerVariable) }
        let kept = [link] + inheritance.sockets.map(\.descriptor)
        let arguments = CommandLine.unsafeArgv
        if program == .running {
            let process = so_spawn(runningProgram, arguments, kept, Int32(kept.count), SIGTERM)
            if process > 0 { return process }
        }
        return so_spawn(arguments[0], arguments, kept, Int32(kept.count), SIGTERM)
    }

    /// Executes the program in the supervisor's place: it keeps its process and its children. Returns only when that fails.
    static func becomeSupervisor(_ supervisor: Supervisor) {
        let processes = [("worker", supervisor.worker)] + supervisor.retiring.map { ("retiring", $0) }
        var lines = ["restarts \(supervisor.restarts)"] + supervisor.kept.map(line)
        for case (let word, let process?) in processes { lines.append("\(word) \(process.process) \(process.link)") }
        execute(supervisorVariable, lines, keeping: processes.compactMap { $1?.link } + supervisor.kept.map(\.descriptor))
    }

    private static func line(_ socket: NamedDescriptor) -> String {
        "\(socket.isOurs ? "socket" : "given") \(socket.descriptor) \(socket.name)"
    }

    private static func execute(_ variable: String, _ lines: [String], keeping descriptors: [Int32]) {
        setenv(variable, lines.joined(separator: "\n"), 1)
        for descriptor in descriptors where descriptor >= 0 { _ = so_close_on_exec(descriptor, 0) }
        // By the path it was started with, so that a link that points to another version by now is followed.
        if let program = CommandLine.unsafeArgv[0] { execvp(program, CommandLine.unsafeArgv) }
        let error = errno
        for descriptor in descriptors where descriptor >= 0 { _ = so_close_on_exec(descriptor, 1) }
        unsetenv(variable)
        errno = error
    }

    /// What a worker process inherits; nil in any other process.
    static func workerInheritance() -> Inheritance? {
        guard let state = read(workerVariable) else { return nil }
        // It may have been executed under a name that says nothing.
        so_name_process(CommandLine.arguments[0].split(separator: "/").last.map(String.init) ?? "")
        return Inheritance(
            sockets: state.sockets, restarts: state.restarts, followsCrash: state.followsCrash,
            supervisor: SupervisorLink(descriptor: state.link))
    }

    /// What a supervisor was before it executed this program; nil when it was nothing.
    static func state() -> State? { read(supervisorVariable) }

    /// Reads the variable and removes it: it is nobody else's.
    private static func read(_ variable: String) -> State? {
        guard let text = getenv(variable).map({ String(cString: $0) }) else { return nil }
        unsetenv(variable)
        var state = State()
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words.count >= 2, let number = Int32(words[1]) else { continue }
            switch words[0] {
            case "restarts": state.restarts = UInt64(number)
            case "link":
                state.link = number
                _ = so_close_on_exec(number, 1)
            case "crashed": state.followsCrash = true
            case "socket" where words.count == 3, "given" where words.count == 3:
                state.sockets.append(
                    NamedDescriptor(name: String(words[2]), descriptor: number, isOurs: words[0] == "socket"))
                _ = so_close_on_exec(number, 1)
            case "worker" where words.count == 3, "retiring" where words.count == 3:
                var process = WorkerProcess(process: number, link: Int32(words[2]) ?? -1)
                if process.link >= 0 { _ = so_close_on_exec(process.link, 1) }
                process.readySince = so_monotonic_ns()
                if words[0] == "worker" { state.worker = process } else { state.retiring.append(process) }
            default: continue
            }
        }
        return state
    }
}
