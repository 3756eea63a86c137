import Simulation

/// Makes up requests and their answers. The same numbers give the same scripts.
struct ScriptWriter {
    var random: SeededNumbers
    let isInnocent: Bool
    /// Longest body that is made up.
    let bodyBytesMax: Int
    /// Longest body whose every byte is read.
    let searchedBodyMax: Int
    let tunnelsPerMille: Int
    /// Requests with bodies, of those whose methods do not say that they have one.
    var uploadsPerMille = 30
    /// What clients and upstreams speak.
    var requestsAreStreams = false
    var answersAreStreams = false
    var tunnels: TunnelHabits?
    var probe: ProbeHabits?
    var upstreamsUseTLS = false

    private var hasStreams: Bool { requestsAreStreams || answersAreStreams }

    // MARK: Requests

    mutating func request(_ id: Int, isLast: Bool) -> RequestScript {
        var script = RequestScript()
        script.id = id
        script.method = random.pick([
            "GET", "GET", "GET", "GET", "GET", "HEAD", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS",
        ])
        if script.method == "POST" || script.method == "PUT" || random.chance(perMille: uploadsPerMille) {
            script.framing = random.pick([.length, .length, .chunked])
            script.body = pattern(id, length())
        }
        if !requestsAreStreams, random.chance(perMille: 80), script.framing != .chunked { script.isHTTP10 = true }
        if isLast, isInnocent, !hasStreams, !script.hasBody, !script.isHTTP10,
            random.chance(perMille: tunnelsPerMille)
        {
            script.asksTunnel = true
            script.method = "GET"
            script.body = pattern(id, length())
        }
        if tunnels != nil { askTunnel(&script, isLast: isLast) }
        script.expectsContinue = script.hasBody && !script.isHTTP10 && random.chance(perMille: 200)
        script.closes = !requestsAreStreams && random.chance(perMille: isLast ? 200 : 50) && !script.asksTunnel
        script.head = head(of: script)
        var starts: [Int] = []
        if script.hasBody {
            script.rest = cut(script.framing == .chunked ? chunked(script.body, trailer: nil, &starts) : script.body)
        }
        if isInnocent, !script.asksTunnel || tunnels != nil, random.chance(perMille: 60) {
            let sent = script.head.count + script.rest.reduce(0) { $0 + $1.bytes.count }
            script.abort = random.pick([
                .resetAfterSending(random.below(sent + 1)), .closeAfterSending(random.below(sent + 1)),
                .resetAfterReceiving(random.below(1000)),
            ])
        }
        return script
    }

    /// A tunnel with ends of their own. HTTP/1 has nothing behind it.
    private mutating func askTunnel(_ script: inout RequestScript, isLast: Bool) {
        guard let tunnels, !script.hasBody, !script.isHTTP10, requestsAreStreams || isLast else { return }
        guard script.asksTunnel || random.chance(perMille: tunnels.perMille) else { return }
        script.asksTunnel = true
        script.method = "GET"
        script.body = []
        let (clientBytes, serverBytes) = (length(), length())
        script.tunnel = tunnels.script(script.id, clientBytes: clientBytes, serverBytes: serverBytes, &random)
        // An extended CONNECT to HTTP/1 is no more than a WebSocket's either.
        if requestsAreStreams { script.tunnel?.name = "websocket" }
    }

    private mutating func head(of script: RequestScript) -> [UInt8] {
        var text = "\(script.method) \(script.path) HTTP/1.\(script.isHTTP10 ? 0 : 1)\r\nHost: h\(script.id).example\r\n"
        text += "X-Client: \(script.id)\r\n"
        for i in 0..<random.below(4) { text += "X-Field-\(i): \(String(repeating: "v", count: random.below(60)))\r\n" }
        // Nobody but the proxy says what a request's mark is.
        if probe != nil, random.chance(perMille: 100) { text += "SendOnce-Id: \(ProbeHabits.strange(&random))\r\n" }
        switch script.framing {
        case .none: break
        case .length: text += "Content-Length: \(script.body.count)\r\n"
        case .chunked: text += "Transfer-Encoding: chunked\r\n"
        }
        if script.expectsContinue { text += "Expect: 100-continue\r\n" }
        if script.asksTunnel {
            text += "Connection: Upgrade\r\nUpgrade: \(script.tunnel?.name ?? "echo")\r\n"
            if script.tunnel?.name == "websocket" {
                text += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(TunnelScript.key)\r\n"
            }
        } else if script.closes {
            text += script.isHTTP10 ? "" : "Connection: close\r\n"
        } else if script.isHTTP10 {
            text += "Connection: keep-alive\r\n"
        } else if random.chance(perMille: 100) {
            text += "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
        }
        return Array((text + "\r\n").utf8)
    }

    // MARK: Answers

    mutating func answer(to request: RequestScript) -> AnswerScript {
        var script = AnswerScript()
        script.id = request.id
        script.status = random.pick([200, 200, 200, 200, 201, 206, 302, 404, 500, 503, 204, 304])
        script.delay = random.pick([0, 0, random.upTo(1_000_000), random.upTo(30_000_000), random.upTo(300_000_000)])
        if request.hasBody, isInnocent, random.chance(perMille: 120) {
            script.start = .withHead
            script.status = 413
        }
        if request.asksTunnel, opensTunnel(request) {
            script.status = 101
        } else if answersAreStreams, request.tunnel?.name == "websocket", script.status < 300 {
            script.status = 403
        }
        let hasBody = request.method != "HEAD" && script.status != 204 && script.status != 304 && script.status != 101
        script.framing = hasBody ? random.pick([.length, .length, .length, .chunked, .chunked, .close]) : .none
        if answersAreStreams, script.framing == .close { script.framing = .chunked }
        script.body = hasBody ? pattern(request.id, length()) : []
        if isInnocent, hasBody, script.body.count > 60, random.chance(perMille: 150) {
            // Within its length a body may say what it likes.
            script.body.replaceSubrange(10..<10, with: Array("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".utf8))
        }
        script.closes = random.chance(perMille: 100) || script.start == .withHead
        if script.framing == .chunked, random.chance(perMille: 300) { script.trailer = "t\(request.id)" }
        if !request.isHTTP10, random.chance(perMille: 150) {
            for _ in 0...random.below(3) {
                script.interims.append(
                    Array("HTTP/1.1 \(random.pick(["103 Early Hints", "102 Processing"]))\r\nX-Id: \(request.id)\r\n\r\n".utf8))
            }
        }
        if !isInnocent, request.tunnel == nil, script.framing != .close || random.chance(perMille: 300),
            random.chance(perMille: 350)
        {
            script.fault = answersAreStreams ? streamFault(script, request) : fault(script, request)
        }
        finish(&script, request)
        if let probe { mark(&script, probe) }
        return script
    }

    /// Over HTTP/2 nothing but a WebSocket is asked for, and some are refused.
    private mutating func opensTunnel(_ request: RequestScript) -> Bool {
        guard let tunnels, let tunnel = request.tunnel else { return true }
        if answersAreStreams, tunnel.name != "websocket" { return false }
        return !random.chance(perMille: tunnels.refusedPerMille)
    }

    /// An answer with a fault has its mark: what else is wrong with it is to be seen.
    private mutating func mark(_ script: inout AnswerScript, _ probe: ProbeHabits) {
        script.mark = .own
        script.strayIsMarked = random.chance(perMille: probe.markedStraysPerMille)
        let isUnmarked = random.chance(perMille: probe.unmarkedPerMille)
        let isKept = random.chance(perMille: probe.keptPerMille)
        let other = ProbeHabits.strange(&random)
        guard script.fault == nil else { return }
        if isUnmarked { script.mark = .none } else if isKept { script.mark = .kept(other) }
    }

    private mutating func fault(_ script: AnswerScript, _ request: RequestScript) -> Fault {
        let delay = random.pick([0, 0, random.upTo(1_000_000), random.upTo(10_000_000), random.upTo(50_000_000)])
        var faults: [Fault] = [.duplicateField, .garbageForHead]
        if !request.asksTunnel { faults.append(.unaskedUpgrade) }
        if upstreamsUseTLS, script.framing == .close { faults += [.endUnannounced, .endUnannounced, .endUnannounced] }
        let count = script.body.count
        // A body that ends with its connection is whole wherever that ends, also by a reset (RFC 9112 section 8).
        if script.framing != .close {
            faults += [
                .secondAnswer(delay: delay), .secondAnswer(delay: delay), .moreBytes(delay: delay), .lineEnds(delay: delay),
                .interimAfterEnd(delay: delay), .garbageBeforeNext,
            ]
            if !script.closes { faults.append(.hangUp) }
        }
        switch script.framing {
        case .length:
            faults.append(.lengthsDiffer)
            faults.append(.lengthTwice)
            if count > 0 {
                faults.append(.truncated(at: random.below(count), reset: random.chance(perMille: 400)))
                faults.append(.stalled(at: random.below(count)))
            }
            if count > 2, count <= searchedBodyMax { faults += [.secondHeadInLength, .secondHeadInLength] }
        case .chunked:
            faults += [
                .secondHeadBetweenChunks, .secondHeadBetweenChunks, .interimBetweenChunks, .badChunkSize, .lengthWithChunked,
                .truncated(at: random.below(count + 1), reset: random.chance(perMille: 400)),
                .stalled(at: random.below(count + 1)),
            ]
        default: break
        }
        return random.pick(faults)
    }

    private mutating func streamFault(_ script: AnswerScript, _ request: RequestScript) -> Fault {
        let delay = random.pick([0, 0, random.upTo(1_000_000), random.upTo(10_000_000), random.upTo(50_000_000)])
        let count = script.body.count
        var faults: [Fault] = [
            .secondAnswer(delay: delay), .secondAnswer(delay: delay), .moreBytes(delay: delay), .lineEnds(delay: delay),
            .interimAfterEnd(delay: delay), .fieldsAfterEnd(delay: delay), .malformedHead, .dataBeforeHead, .duplicateField,
            .unrequested(isHead: random.chance(perMille: 500)), .connectionBroken(random.pick(ConnectionFault.allCases)),
        ]
        if probe != nil { faults += [.otherMark, .otherMark, .otherMark] }
        if script.framing == .none { return random.pick(faults + [.dataOnBodiless, .dataOnBodiless]) }
        faults.append(.interimBetweenChunks)
        if script.framing == .length { faults += [.lengthsDiffer, .lengthTwice, .lengthExceeded] }
        // All of a declared length is a whole answer for its client.
        let places = script.framing == .length ? count : count + 1
        if places > 0 {
            faults += [
                .secondHeadBetweenChunks, .secondHeadBetweenChunks, .trailersWithoutEnd, .statusInTrailers, .malformedTrailers,
                .truncated(at: random.below(places), reset: true), .stalled(at: random.below(places)),
            ]
        }
        if script.framing == .length, count > 0 { faults.append(.lengthShort(at: random.below(count))) }
        return random.pick(faults)
    }

    private mutating func finish(_ script: inout AnswerScript, _ request: RequestScript) {
        var text = "HTTP/1.1 \(script.status) \(script.status == 200 ? "OK" : "Some Reason")\r\nX-Id: \(script.id)\r\n"
        if random.chance(perMille: 300) { text += "Date: Tue, 24 Nov 2026 09:00:00 GMT\r\n" }
        for i in 0..<random.below(4) { text += "X-Answer-\(i): \(String(repeating: "w", count: random.below(40)))\r\n" }
        if script.fault == .duplicateField { script.faultyFields = "ETag: \"a\"\r\nETag: \"b\"\r\n" }
        switch script.framing {
        case .none:
            // HEAD and 304 may say how long the body would have been.
            if script.status != 204, script.status != 101, random.chance(perMille: 500) {
                text +=
                    random.chance(perMille: 700)
                    ? "Content-Length: \(random.below(5000))\r\n" : "Transfer-Encoding: chunked\r\n"
            }
        case .length:
            text += "Content-Length: \(script.body.count)\r\n"
            script.framed = script.body
            if script.fault == .secondHeadInLength {
                let block = Array("HTTP/1.1 500 Internal Server Error\r\nX-Id: \(script.id)\r\nContent-Length: 0\r\n\r\n".utf8)
                script.faultyBody = script.body
                script.faultyBody.insert(contentsOf: block, at: random.below(script.body.count))
            }
            if script.fault == .lengthsDiffer { script.faultyFields = "Content-Length: \(script.body.count + 1)\r\n" }
            if script.fault == .lengthTwice { script.faultyFields = "Content-Length: \(script.body.count)\r\n" }
        case .chunked:
            text += "Transfer-Encoding: chunked\r\n"
            if script.fault == .lengthWithChunked { script.faultyFields = "Content-Length: \(script.body.count)\r\n" }
            script.framed = chunked(script.body, trailer: script.trailer, &script.chunkStarts)
        case .close: script.framed = script.body
        }
        if script.status == 101 {
            text += "Connection: Upgrade\r\nUpgrade: \(request.tunnel?.name ?? "echo")\r\n"
            if request.tunnel?.name == "websocket" { text += "Sec-WebSocket-Accept: \(TunnelScript.accept)\r\n" }
            if request.tunnel != nil { script.closes = false }
        }
        if script.closes, script.framing != .close || random.chance(perMille: 500) { text += "Connection: close\r\n" }
        if !script.closes, random.chance(perMille: 50) { text += "Keep-Alive: timeout=5\r\n" }
        script.head = Array((text + "\r\n").utf8)
        let total = script.bytes.count
        for _ in 0..<random.pick([0, 0, 0, 1, 2, 5]) {
            script.pauses.append(
                (random.below(total + 1), random.pick([0, 1000, random.upTo(2_000_000), random.upTo(200_000_000)])))
        }
        script.pauses.sort { $0.at < $1.at }
    }

    // MARK: Bodies

    private mutating func length() -> Int {
        let most = random.pick([0, 1, 20, 20, 200, 200, 2000, 2000, 20_000, 70_000, bodyBytesMax])
        return random.below(min(most, bodyBytesMax) + 1)
    }

    private mutating func chunked(_ body: [UInt8], trailer: String?, _ starts: inout [Int]) -> [UInt8] {
        var out: [UInt8] = []
        var at = 0
        while at < body.count {
            starts.append(out.count)
            let n = min(body.count - at, 1 + random.below(random.pick([1, 10, 1000, 70_000])))
            var size = String(n, radix: 16, uppercase: random.chance(perMille: 500))
            if random.chance(perMille: 100) { size = "00" + size }
            if random.chance(perMille: 100) { size += ";name=\"value\"" }
            if random.chance(perMille: 50) { size += " ;a" }
            out += Array("\(size)\r\n".utf8) + body[at..<at + n] + [0x0d, 0x0a]
            at += n
        }
        starts.append(out.count)
        out += Array("0\r\n".utf8)
        if let trailer { out += Array("X-Trailer: \(trailer)\r\n".utf8) }
        return out + [0x0d, 0x0a]
    }

    private mutating func cut(_ bytes: [UInt8]) -> [Piece] {
        var pieces: [Piece] = []
        var at = 0
        while at < bytes.count {
            let n = random.chance(perMille: 500) ? bytes.count - at : 1 + random.below(bytes.count - at)
            let delay = random.pick([0, 0, random.upTo(1_000_000), random.upTo(50_000_000)])
            pieces.append(Piece(delay: delay, bytes: Array(bytes[at..<at + n])))
            at += n
        }
        return pieces
    }
}
