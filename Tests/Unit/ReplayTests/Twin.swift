import Testing

/// What an upstream does, told once, to be written down as bytes of HTTP/1 and as frames of HTTP/2.
struct Twin: Sendable, CustomTestStringConvertible {
    /// One thing that the upstream says.
    enum Said: Sendable {
        case interim(Int, [Field] = [])
        /// Without a length the body is chunked on HTTP/1. `ends`: END_STREAM on HTTP/2, and the last chunk.
        case head(Int, length: Int? = nil, [Field] = [], ends: Bool = false)
        case body(String, ends: Bool = false)
        case trailers([Field])
        /// The promised rest will not come: the connection's end on HTTP/1, the stream's on HTTP/2.
        case cut
        /// The connection ends.
        case hangup
    }

    /// Said at once, so many milliseconds after the request.
    struct Read: Sendable {
        var milliseconds: UInt64
        var said: [Said]
        init(_ milliseconds: UInt64, _ said: Said...) {
            self.milliseconds = milliseconds
            self.said = said
        }
    }

    struct Field: Sendable {
        var name: String
        var value: String
        init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    enum Asked: Sendable {
        case get, head
        /// A body of four bytes, of which the last two come so much later.
        case post(restAfter: UInt64)
    }

    var name: String
    var asked = Asked.get
    /// Told after an ordinary exchange on the same connection.
    var isSecond = false
    var reads: [Read]
    /// Lines of a trace without what depends on the framing.
    var incidents: [String]

    init(_ name: String, asked: Asked = .get, isSecond: Bool = false, _ reads: [Read], _ incidents: String...) {
        self.name = name
        self.asked = asked
        self.isSecond = isSecond
        self.reads = reads
        self.incidents = incidents
    }

    var testDescription: String { name }

    /// Milliseconds at which the request is sent.
    var startsAt: UInt64 { isSecond ? 100 : 10 }
    var isHead: Bool { if case .head = asked { true } else { false } }
}
