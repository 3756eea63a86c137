import CShim
import Glibc
import Proxy

/// How a newer version of the program takes over: by `exec`, with its inheritance in descriptors that stay open and an
/// environment variable that names them, a line each: `WORD NUMBER... NAME`.
enum Succeeding {
    static let workerVariable = "SENDONCE_WORKER"
    static let supervisorVariable = "SENDONCE_SUPERVISOR"

    struct State {
        var sockets: [NamedDescriptor] = []
        var restarts: UInt64 = 0
        var link: Int32 = -1
        var worker: WorkerProcess?
        var retiring: [WorkerProcess] = []
    }

    /// Executes the program as a worker process. Returns only when that fails.
    static func becomeWorker(sockets: [NamedDescriptor], restarts: UInt64, link: Int32) {
        let lines = ["link \(link)", "restarts \(restarts)"] + sockets.map(line)
        execute(workerVariable, lines, keeping: [link] + sockets.map(\.descriptor))
    }

    /// Executes the program in the supervisor's place: it keeps its process and its children. Returns only when that fails.
    static func becomeSupervisor(_ supervisor: Supervisor) {
        let processes = [("worker", supervisor.worker)] + supervisor.retiring.map { ("retiring", $0) }
        var lines = ["restarts \(supervisor.restarts)"] + supervisor.kept.map(line)
        for case (let word, let process?) in processes { lines.append("\(word) \(process.process) \(process.link)") }
        execute(supervisorVariable, lines, keeping: processes.compactMap { $1?.link } + supervisor.kept.map(\.descriptor))
    }

    private static func line(_ socket: NamedDescriptor) -> String { "socket \(socket.descriptor) \(socket.name)" }

    private static func execute(_ variable: String, _ lines: [String], keeping descriptors: [Int32]) {
        setenv(variable, lines.joined(separator: "\n"), 1)
        for descriptor in descriptors where descriptor >= 0 { _ = so_close_on_exec(descriptor, 0) }
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) } + [nil]
        // By the path it was started with, so that a link that points to another version by now is followed.
        if let program = arguments[0] { execvp(program, &arguments) }
        let error = errno
        for argument in arguments { free(argument) }
        for descriptor in descriptors where descriptor >= 0 { _ = so_close_on_exec(descriptor, 1) }
        unsetenv(variable)
        errno = error
    }

    /// What a worker process of an upgrade inherits; nil in any other process.
    static func workerInheritance() -> Inheritance? {
        guard let state = read(workerVariable) else { return nil }
        let link = SupervisorLink(descriptor: state.link)
        return Inheritance(sockets: state.sockets, restarts: state.restarts, supervisor: link)
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
            case "socket" where words.count == 3:
                state.sockets.append(NamedDescriptor(name: String(words[2]), descriptor: number))
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
