/// What one side of an exchange is served on, as far as the relay must know it: the answers that differ between the versions of HTTP.
enum Hop: UInt8 {
    /// A connection of HTTP/1, which serves one exchange after the other.
    case connection
    /// A stream of HTTP/2, which serves one.
    case stream

    /// Bodies are delimited, and trailers distinguished, below the message: no chunk sizes and no lengths are needed.
    var framesBodies: Bool { self == .stream }
    /// The end of a message is marked, and with it what carries the exchange is over. On a connection the next message may follow, or its close
    /// has to say that there is none.
    var marksEnds: Bool { self == .stream }
    /// A tunnel is asked for with Upgrade and begins with 101; otherwise with an extended CONNECT, and with 200 (RFC 8441).
    var switchesWith101: Bool { self == .connection }
}

extension ClientConnection {
    var hop: Hop { isStream ? .stream : .connection }
}

extension UpstreamConnection {
    var hop: Hop { isStream ? .stream : .connection }
}
