import ArgumentParser
import Logging
import Report

/// How the operational log is written.
enum LogFormat: String, CaseIterable, ExpressibleByArgument { case text, json }

extension Logger.Level: @retroactive ExpressibleByArgument {}

/// The operational log's lines on standard error: `TIME LEVEL message key=value ...`, or one JSON object a line.
struct LogLine: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    let format: LogFormat

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") }
        let time = WallTime.rfc3339(nanoseconds: WallTime.nowNanoseconds())
        var line: String
        switch format {
        case .text:
            line = "\(time) \(event.level) \(event.message)"
            for (key, value) in fields { line += " \(key)=\(Self.quoted(value))" }
        case .json:
            var json = JSONText()
            json.object { json in
                json.string("time", time)
                json.string("level", "\(event.level)")
                json.string("message", "\(event.message)")
                for (key, value) in fields { json.string(key, value) }
            }
            line = String(decoding: json.bytes, as: UTF8.self)
        }
        StandardError.write(line + "\n")
    }

    /// Values with white space or quotes are quoted, so that a line can be taken apart again.
    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7f }
        guard !isPlain else { return value }
        return "\"" + value.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : $0 == "\n" ? "\\n" : "\($0)" }.joined() + "\""
    }
}
