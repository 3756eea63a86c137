import Detector
import JSON
import Report

/// Reads a line of the probe. Whoever can write to the socket can send anything: what does not fit is left out or refused, never trusted.
public enum ReportParser {
    static let lineBytesMax = 64 << 10
    static let textMax = 2048
    static let frameMax = 512
    static let framesMax = 24
    static let outcomes: Set<String> = ["thrown", "crashed", "emitted", "swallowed", "sent"]

    /// Nil for what is no report.
    public static func parse(_ line: some Collection<UInt8>) -> ApplicationReport? {
        guard line.count <= lineBytesMax, let json = try? JSON.parse(line), json["schema"]?.integer == 1,
            let id = text(json["id"], 64), !id.isEmpty, let application = json["application"],
            let outcome = text(application["outcome"], 16), outcomes.contains(outcome)
        else { return nil }
        var report = ApplicationReport(id: id)
        guard let operation = text(application["operation"], 64) else {
            report.correctedOutcome = outcome
            return report
        }
        guard json["kind"]?.string == Kind.applicationDoubleSend.rawValue else { return nil }
        report.application = send(application, outcome: outcome, operation: operation)
        report.timeNanoseconds = WallTime.nowNanoseconds()
        report.attribution = json["attribution"]?.string.flatMap(Attribution.Confidence.init) ?? .certain
        report.certainty = json["certainty"]?.string == Certainty.suspected.rawValue ? .suspected : .proven
        report.clientImpact = json["client_impact"]?.string == ClientImpact.aborted.rawValue ? .aborted : .none
        report.message = text(json["message"]) ?? ""
        report.protocolName = json["protocol"]?.string == "h2" ? "h2" : "http/1.1"
        report.request = request(json["request"])
        report.status = status(json["response"]?["status"])
        report.secondStatus = status(json["evidence"]?["second_status"])
        report.isAfterEnd = json["evidence"]?["phase"]?.string != Phase.inBody.rawValue
        report.mark = text(json["echo"], 64).flatMap { ExchangeMark($0.utf8) }
        return report
    }

    private static func send(_ json: JSON, outcome: String, operation: String) -> ApplicationSend {
        var send = ApplicationSend(outcome: outcome, operation: operation)
        send.code = text(json["code"], 64)
        send.status = status(json["status"])
        send.field = text(json["field"], 128)
        send.bytes = json["bytes"]?.integer.flatMap { $0 >= 0 ? $0 : nil }
        send.route = text(json["route"], 512)
        send.framework = text(json["framework"], 32)
        send.betweenMilliseconds = json["between_ms"]?.number.flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
        send.first = frames(json["first"])
        send.firstOf = json["first_of"]?.string == "route" ? "route" : nil
        send.second = frames(json["second"])
        send.node = text(json["node"], 32)
        send.pid = json["pid"]?.integer.flatMap { $0 > 0 ? $0 : nil }
        return send
    }

    private static func request(_ json: JSON?) -> Incident.Request? {
        guard let json, let method = text(json["method"], 32) else { return nil }
        return Incident.Request(
            id: text(json["id"], 256) ?? "", method: method, path: text(json["path"]) ?? "", host: text(json["host"], 256),
            traceID: text(json["trace_id"], 32), spanID: text(json["span_id"], 16))
    }

    private static func frames(_ json: JSON?) -> [String] {
        (json?.array ?? []).prefix(framesMax).compactMap { text($0, frameMax) }
    }

    private static func status(_ json: JSON?) -> Int? { json?.integer.flatMap { (100...999).contains($0) ? $0 : nil } }

    private static func text(_ json: JSON?, _ bytesMax: Int = textMax) -> String? {
        guard let text = json?.string else { return nil }
        return text.utf8.count <= bytesMax ? text : String(decoding: text.utf8.prefix(bytesMax), as: UTF8.self)
    }
}
