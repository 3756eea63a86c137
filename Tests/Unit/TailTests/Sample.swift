import Records

/// Records to test with, as the incident log has them.
enum Sample {
    static let whole = #"""
        {"time":"2026-11-22T09:15:03.123456Z","id":"01JD9","schema":1,"severity":"error","kind":"second_response","certainty":"proven",\#
        "origin":"upstream","action":"contain","client_impact":"none","message":"twice","route":"shop","protocol":"http/1.1",\#
        "upstream":{"name":"legacy-shop","address":"127.0.0.1:3000","connection":812,"exchange":4},\#
        "client":{"address":"10.0.0.9:51234","protocol":"h2"},\#
        "request":{"id":"b1946ac9","method":"GET","path":"/orders/7?token=[REDACTED]","template":"/orders/{id}","host":"shop.example"},\#
        "response":{"status":200,"framing":"chunked","body_bytes":5},\#
        "evidence":{"phase":"idle","offset":59,"surplus_bytes":85,"delay_ms":20.1,"second_status":500,\#
        "second_fields":["content-type","content-length"],"start_line":"HTTP/1.1 500 Internal Server Error"},\#
        "candidates":[{"request_id":"a","path":"/a"},{"request_id":"b","path":"/b"}],"group":"k3v9d2q1","suppressed":2}
        """#

    static func record(_ line: String = whole) -> Record { Record(line: Array(line.utf8))! }

    /// A record with little in it.
    static func small(
        _ time: String = "2026-11-22T09:15:03Z", kind: String = "second_response", _ more: String = ""
    ) -> Record {
        record(#"{"time":"\#(time)","kind":"\#(kind)"\#(more.isEmpty ? "" : "," + more)}"#)
    }
}
