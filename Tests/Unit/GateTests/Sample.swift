import Gate
import Records

/// Records of the proxy and of the probe to judge.
enum Sample {
    static func wire(
        _ group: String = "w1", kind: String = "second_response", certainty: String = "proven", id: String = "r1",
        suppressed: Int = 0
    ) -> Record {
        record(
            #""id":"W","kind":"\#(kind)","certainty":"\#(certainty)","route":"default","message":"sent twice","group":"\#(group)","suppressed":\#(suppressed),"#
                + #""request":{"id":"\#(id)","method":"GET","path":"/orders/7","template":"/orders/{id}"}"#)
    }

    static func probe(_ group: String = "p1", id: String = "r1", file: String = "/app/orders.js") -> Record {
        record(
            #""id":"P","kind":"application_double_send","certainty":"proven","message":"answered again","group":"\#(group)","#
                + #""request":{"id":"\#(id)","method":"GET","path":"/orders/7","template":"/orders/{id}"},"#
                + #""application":{"code":"ERR_HTTP_HEADERS_SENT","outcome":"thrown","operation":"setHeader","#
                + #""first":["at h (\#(file):12:3)"],"second":["at setHeader (node:x:1:1)","at h (\#(file):15:9)"]}"#)
    }

    static func record(_ members: String) -> Record {
        Record(line: Array(#"{"time":"2026-11-22T09:15:03Z",\#(members)}"#.utf8))!
    }

    static func verdict(_ records: [Record], status: Int32 = 0, _ change: (inout Rules) -> Void = { _ in }) -> Verdict {
        var rules = Rules()
        change(&rules)
        var findings = Findings(records)
        findings.judge(rules)
        return Verdict(findings: findings, commandStatus: status)
    }
}
