import HTTP1
import Wire

/// What the upstream said, as events: one line each, in the order in which it was said, body bytes added up.
struct EventLog {
    /// What was said in answer to each request, by its number.
    private(set) var answers: [Int: UpstreamAnswer] = [:]
    private final class Connection {
        var decoder = ResponseDecoder()
        var block = HeaderBlock(capacity: 256)
        var held: [UInt8] = []
        var request = 0
        var bodyBytes = 0
        var surplusBytes = 0
        var isMalformed = false
    }

    private(set) var lines: [String] = []
    private var connections: [Connection] = []
    private static let limits = HeadLimits(headerBytesMax: 64 << 10)

    /// Another connection: gives its number.
    mutating func open() -> Int {
        connections.append(Connection())
        return connections.count - 1
    }

    mutating func requestSent(_ number: Int, _ method: Wire.Method, on connection: Int) {
        let place = connections[connection]
        flush(place)
        place.request = number
        // A 101 is reported as what it is, whether or not it was asked for.
        place.decoder.requestSent(method: method, asksUpgrade: true)
    }

    mutating func receive(_ bytes: [UInt8], on connection: Int) {
        let place = connections[connection]
        place.held += bytes
        while !place.held.isEmpty {
            if place.isMalformed {
                place.surplusBytes += place.held.count
                place.held = []
                return
            }
            let count = place.held.count
            let step = place.held.withUnsafeMutableBufferPointer {
                place.decoder.next($0.baseAddress!, count: count, limits: Self.limits, block: &place.block)
            }
            note(step, place)
            tell(step, place)
            if step.event == .needMore { return }
            place.held.removeFirst(step.consumed)
        }
    }

    private mutating func note(_ step: ResponseStep, _ place: Connection) {
        place.bodyBytes += step.bodyCount
        let body = place.held[step.bodyStart..<step.bodyStart + step.bodyCount]
        answers[place.request, default: UpstreamAnswer()].body += body
        if step.event == .head || step.event == .switched {
            answers[place.request, default: UpstreamAnswer()].status = place.block.status
        }
        if step.ended || step.event == .switched { answers[place.request]?.isWhole = true }
    }

    private mutating func tell(_ step: ResponseStep, _ place: Connection) {
        switch step.event {
        case .needMore: return
        case .interim, .interimInBody: tell("interim \(place.block.status)", place)
        case .head: tell("head \(place.block.status)", place)
        case .switched: tell("head 101", place)
        case .body: break
        case .surplus:
            place.surplusBytes += place.held.count
            place.held = []
        case .malformed(let fault):
            tell("malformed: \(fault.text)", place)
            place.isMalformed = true
        }
        if step.ended { tell("end", place) }
    }

    private mutating func tell(_ event: String, _ place: Connection) {
        flush(place)
        lines.append("\(place.request) \(event)")
    }

    private mutating func flush(_ place: Connection) {
        if place.bodyBytes > 0 { lines.append("\(place.request) body \(place.bodyBytes)") }
        if place.surplusBytes > 0 { lines.append("\(place.request) surplus \(place.surplusBytes)") }
        place.bodyBytes = 0
        place.surplusBytes = 0
    }

    /// The upstream has ended its direction: a body that ends with the connection is whole.
    mutating func end(on connection: Int) {
        let place = connections[connection]
        guard place.decoder.phase == .body, place.decoder.receiveEnd() else { return }
        answers[place.request]?.isWhole = true
        tell("end", place)
    }

    /// The bytes have ended.
    mutating func finish() {
        for place in connections {
            if !place.held.isEmpty { place.surplusBytes += place.held.count }
            flush(place)
        }
    }
}
