import ArgumentParser
import CShim
import Configuration
import Glibc
import Logging
import Report

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The proxy before a built-in faulty upstream; needs no Node and no configuration.")

    func run() throws {
        LoggingSystem.bootstrap { _ in LogLine(logLevel: .warning, format: .text) }
        guard let upstream = FaultyUpstream() else { throw Failure.runtime("cannot open a socket for the demo's upstream") }
        let overrides = Overrides(
            listen: ["127.0.0.1:0"], upstreams: ["127.0.0.1:\(upstream.port)"], admin: "127.0.0.1:0", incidents: "/dev/null",
            workers: "1")
        let settings = try ConfigurationFile.settings(overrides)
        let service = try Service(settings, log: Logger(label: "sendonce"))
        let proxy = service.addresses[0]
        say("An upstream with faults is listening on 127.0.0.1:\(upstream.port), SendOnce before it on \(proxy).\n")
        let printer = NamedThread("incident-printer") { [ring = service.recorder.ring] in Self.printIncidents(ring) }
        for story in FaultyUpstream.stories {
            say("> GET \(story.path)  — \(story.title)")
            say("< \(Self.ask(story.path, proxy))")
            // The next request comes when this story's late bytes have been seen.
            usleep(160_000)
        }
        say("\nWhat each kind means and how to mend it:  sendonce explain header_block_in_body")
        if let admin = service.admin?.address {
            say("Metrics:    http://\(admin)/metrics")
            say("Incidents:  http://\(admin)/incidents")
        }
        say("Proxy:      http://\(proxy)/   (try /orders/7 yourself; Ctrl-C ends the demo)")
        _ = printer
        service.runUntilSignalled()
    }

    private func say(_ text: String) { Self.write(text) }

    private static func write(_ text: String) {
        var line = text + "\n"
        line.withUTF8 { _ = Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }

    /// Prints every incident as it is found.
    private static func printIncidents(_ ring: IncidentRing) {
        var last: UInt64 = 0
        while true {
            for entry in ring.entries(after: last, limit: 100).entries {
                write("! \(entry.incident.kind.rawValue) (\(entry.incident.certainty.rawValue)): \(entry.incident.message)")
                write("  \(String(decoding: entry.json, as: UTF8.self))")
                last = entry.sequence
            }
            usleep(20_000)
        }
    }

    /// What a client sees of the answer: its status line, and its body or how it was cut.
    private static func ask(_ path: String, _ address: String) -> String {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(fd) }
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        target.sin_port = UInt16(address.split(separator: ":").last.flatMap { UInt16($0) } ?? 0).bigEndian
        let connected = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { return "no connection" }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n".utf8)
        _ = Glibc.write(fd, request, request.count)
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let n = read(fd, &buffer, buffer.count)
            guard n > 0 else { break }
            answer += buffer[..<n]
        }
        let text = String(decoding: answer, as: UTF8.self)
        let isCut = text.contains("hunked") && !text.hasSuffix("0\r\n\r\n") || path == "/feed"
        let status = text.split(separator: "\r\n").first.map(String.init) ?? "nothing"
        return "\(status), \(answer.count) bytes in all\(isCut ? ", visibly cut" : "")"
    }
}
