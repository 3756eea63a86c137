import HTTP2
import Wire

/// What an HTTP/2 upstream said: the same events, and the streams' own ends.
extension EventLog {
    mutating func streamOpened(_ number: Int, _ method: Wire.Method, _ place: Connection, _ frames: FrameReader) {
        let line = method == .head ? "HEAD" : "GET"
        let head = Array("\(line) / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        place.streams[frames.ask(head)] = (number, method)
    }

    mutating func receive(_ bytes: [UInt8], _ place: Connection, _ frames: FrameReader) {
        // No limit on a rate is meant to be reached by what was recorded.
        for fact in frames.read(bytes, now: 0) where !place.broken.contains(fact.step.stream) {
            let number = place.streams[fact.step.stream]?.number ?? 0
            if number != place.request { flush(place) }
            place.request = number
            log(fact, place)
        }
    }

    private mutating func log(_ fact: FrameReader.Fact, _ place: Connection) {
        switch fact.step.event {
        case .needMore, .pause, .refused, .surplus: return
        case .interim: log("interim \(fact.status)", place)
        case .head:
            log("head \(fact.status)", place)
            var answer = UpstreamAnswer()
            answer.status = fact.status
            let isHead = place.streams[fact.step.stream]?.method == .head
            answer.isWhole = isHead || fact.status == 204 || fact.status == 304 || fact.declaredBytes == 0
            answer.declaredBytes = fact.declaredBytes
            answers[place.request] = answer
        case .body:
            place.bodyBytes += fact.body.count
            answers[place.request]?.body += fact.body
            if let answer = answers[place.request], answer.declaredBytes == UInt64(answer.body.count) {
                answers[place.request]?.isWhole = true
            }
        case .trailers: break
        case .reset(let code): return log("reset \(code)", place)
        case .goAway: return log("goaway", place)
        case .violation(let what): return note(what, fact, place)
        case .failed(let why): return log("malformed: \(why)", place)
        }
        if fact.step.ended { logEnd(place) }
    }

    private mutating func note(_ what: HTTP2Violation, _ fact: FrameReader.Fact, _ place: Connection) {
        switch what {
        case .headAfterEnd, .interimAfterEnd, .trailersAfterEnd, .dataAfterEnd, .lengthExceeded, .dataOnBodiless,
            .unrequestedHead, .unrequestedData:
            if fact.step.ended { logEnd(place) }
            place.surplusBytes += fact.step.surplusBytes
        case .interimInBody: log("interim \(fact.status)", place)
        case .headInBody, .statusInTrailers, .trailersWithoutEnd, .malformedHead, .malformedTrailers, .dataBeforeHead,
            .lengthShort, .windowMisused:
            log("malformed: \(what)", place)
            place.broken.insert(fact.step.stream)
        }
    }

    private mutating func logEnd(_ place: Connection) {
        answers[place.request]?.isWhole = true
        log("end", place)
    }
}
