import HTTP1
import Wire

/// What the upstream said, as events: one line each, in the order in which it was said, body bytes added up.
struct EventLog {
    /// What was said in answer to each request, by its number.
    var answers: [Int: UpstreamAnswer] = [:]
    final class Connection {
        /// Nil on HTTP/1.
        let frames: FrameReader?
        /// HTTP/2: the requests by their streams.
        var streams: [Int32: (number: Int, method: Wire.Method)] = [:]
        /// Streams on which nothing can be read as an answer any more.
        var broken: Set<Int32> = []
        fileprivate var decoder = ResponseDecoder()
        fileprivate var block = HeaderBlock(capacity: 256)
        fileprivate var held: [UInt8] = []
        fileprivate var isMalformed = false
        fileprivate var hasServed = false
        var request = 0
        var bodyBytes = 0
        var surplusBytes = 0

        init(isHTTP2: Bool) { frames = isHTTP2 ? FrameReader(.client) : nil }
    }

    private(set) var lines: [String] = []
    private var connections: [Connection] = []
    private static let limits = HeadLimits(headerBytesMax: 64 << 10)

    /// Another connection: gives its number.
    mutating func open(isHTTP2: Bool) -> Int {
        connections.append(Connection(isHTTP2: isHTTP2))
        return connections.count - 1
    }

    mutating func requestSent(_ number: Int, _ method: Wire.Method, on connection: Int) {
        let place = connections[connection]
        if let frames = place.frames { return streamOpened(number, method, place, frames) }
        flush(place)
        place.request = number
        // A 101 is reported as what it is, whether or not it was asked for.
        place.decoder.requestSent(method: method, asksUpgrade: true)
    }

    /// What was recorded of the answer cannot be said where the request has come.
    mutating func isNotPlayed(_ number: Int) { lines.append("\(number) not played: it came on another connection") }

    mutating func receive(_ bytes: [UInt8], on connection: Int) {
        let place = connections[connection]
        if let frames = place.frames { return receive(bytes, place, frames) }
        place.held += bytes
        while !place.held.isEmpty {
            if place.isMalformed {
                place.surplusBytes += place.held.count
                place.held = []
                return
            }
            guard passLineEnds(place) else { return }
            let count = place.held.count
            let step = place.held.withUnsafeMutableBufferPointer {
                place.decoder.next($0.baseAddress!, count: count, limits: Self.limits, block: &place.block)
            }
            note(step, place)
            log(step, place)
            if step.event == .needMore { return }
            place.held.removeFirst(step.consumed)
        }
    }

    /// Line ends in front of an answer are the exchange's before it; the answer goes on after them. False: what follows has not come.
    private mutating func passLineEnds(_ place: Connection) -> Bool {
        guard place.hasServed, place.decoder.phase == .head else { return true }
        let count = place.held.prefix { $0 == 0x0d || $0 == 0x0a }.count
        guard count > 0, count <= Self.lineEndsMax else { return true }
        let rest = place.held.dropFirst(count)
        guard !rest.isEmpty else { return false }
        let beginning = Array("HTTP/1.".utf8)
        guard rest.prefix(beginning.count).elementsEqual(beginning.prefix(rest.count)) else { return true }
        place.surplusBytes += count
        place.held.removeFirst(count)
        return true
    }

    /// As many as the worker passes over.
    private static let lineEndsMax = 64

    private mutating func note(_ step: ResponseStep, _ place: Connection) {
        place.bodyBytes += step.bodyCount
        let body = place.held[step.bodyStart..<step.bodyStart + step.bodyCount]
        answers[place.request, default: UpstreamAnswer()].body += body
        if step.event == .head || step.event == .switched {
            answers[place.request, default: UpstreamAnswer()].status = place.block.status
        }
        if step.ended || step.event == .switched { answers[place.request]?.isWhole = true }
        if step.ended { place.hasServed = true }
    }

    private mutating func log(_ step: ResponseStep, _ place: Connection) {
        switch step.event {
        case .needMore: return
        case .interim, .interimInBody: log("interim \(place.block.status)", place)
        case .head: log("head \(place.block.status)", place)
        case .switched: log("head 101", place)
        case .body: break
        case .surplus:
            place.surplusBytes += place.held.count
            place.held = []
        case .malformed(let fault):
            log("malformed: \(fault.text)", place)
            place.isMalformed = true
        }
        if step.ended { log("end", place) }
    }

    mutating func log(_ event: String, _ place: Connection) {
        flush(place)
        lines.append("\(place.request) \(event)")
    }

    mutating func flush(_ place: Connection) {
        if place.bodyBytes > 0 { lines.append("\(place.request) body \(place.bodyBytes)") }
        if place.surplusBytes > 0 { lines.append("\(place.request) surplus \(place.surplusBytes)") }
        place.bodyBytes = 0
        place.surplusBytes = 0
    }

    /// The upstream has ended its direction: a body that ends with the connection is whole.
    mutating func end(on connection: Int) {
        let place = connections[connection]
        guard place.frames == nil, place.decoder.phase == .body, place.decoder.receiveEnd() else { return }
        answers[place.request]?.isWhole = true
        log("end", place)
    }

    /// The bytes have ended.
    mutating func finish() {
        for place in connections {
            if !place.held.isEmpty { place.surplusBytes += place.held.count }
            flush(place)
        }
    }
}
