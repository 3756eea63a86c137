import Facts
import Wire

/// What one line of the access log says. Texts point into the request's record or header block.
struct AccessEntry {
    /// How an exchange ended for its client.
    enum Outcome: UInt8 {
        /// It got its answer.
        case answered
        /// It got an answer of the proxy's own.
        case own
        /// Its answer was cut.
        case cut
        /// It left before the end.
        case clientGone

        var text: StaticString {
            switch self {
            case .answered: "answered"
            case .own: "own"
            case .cut: "cut"
            case .clientGone: "client_gone"
            }
        }
    }

    typealias Text = UnsafeBufferPointer<UInt8>
    static var none: Text { Text(start: nil, count: 0) }

    /// Since the Unix epoch, at the exchange's end.
    var timeNanoseconds: UInt64 = 0
    var outcome = Outcome.answered
    var client = PeerAddress()
    var version = HTTPVersion.http11
    var status = 0
    var id = Self.none
    var method = Self.none
    var target = Self.none
    var host = Self.none
    /// The value of `traceparent`.
    var trace = Self.none
    var referer = Self.none
    var userAgent = Self.none
    /// Index of the route and of the server in the plan, -1 for none.
    var route = -1
    var server = -1
    var connection: UInt64 = 0
    var ordinal: UInt32 = 0
    var attempts: UInt8 = 0
    /// Bytes of bodies, as they were before chunks and TLS.
    var requestBytes: UInt64 = 0
    var responseBytes: UInt64 = 0
    var duration: UInt64 = 0
    /// 0 when no connection was opened for it, and when no answer's header block came.
    var connectTime: UInt64 = 0
    var headerTime: UInt64 = 0

    /// Notes what the fields of a header block say of where the request comes from.
    mutating func readFields(_ head: Text) {
        var start = 0
        while start < head.count {
            var end = start
            while end < head.count, head[end] != 0x0a { end += 1 }
            let line = Text(rebasing: head[start..<end])
            if line.count > 8, line[7] == 0x3a, equalsIgnoringCase(line.baseAddress!, "referer", count: 7) {
                referer = Self.value(line, from: 8)
            } else if line.count > 11, line[10] == 0x3a, equalsIgnoringCase(line.baseAddress!, "user-agent", count: 10) {
                userAgent = Self.value(line, from: 11)
            }
            start = end + 1
        }
    }

    private static func value(_ line: Text, from start: Int) -> Text {
        var (first, last) = (start, line.count)
        while first < last, line[first] == 0x20 || line[first] == 0x09 { first += 1 }
        while last > first, line[last - 1] == 0x20 || line[last - 1] == 0x09 || line[last - 1] == 0x0d { last -= 1 }
        return Text(rebasing: line[first..<last])
    }
}
