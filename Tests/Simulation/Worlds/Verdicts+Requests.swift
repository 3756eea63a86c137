import Report

/// What clients of HTTP/1 do that they must not has its answer, its count and its record, and nothing else has.
extension Verdicts {
    static func judgeFaultyRequesters(_ world: SimulatedWorld) {
        var counts = Counts()
        for client in world.faultyRequesters where client.isSpoken { judge(client, &counts, world) }
        judge(counts, world)
        for incident in world.incidents where !world.faultyRequesters.contains(where: { $0.isOrigin(of: incident) }) {
            world.fail("an innocent is accused: \(incident.kind.rawValue): \(incident.message)")
        }
    }

    private static func judge(_ client: FaultyRequester, _ counts: inout Counts, _ world: SimulatedWorld) {
        let deed = client.deed
        func fail(_ what: String) { world.fail("requester \(client.number) with \(deed.name): \(what)") }
        var reader = AnswerReader(client.overheard.said)
        judge(served: client.good + deed.served, &reader, mayMiss: deed.mayMiss, fail)
        if let broken = deed.broken, broken.arrivals.contains(where: \.isWhole) || broken.arrivals.count > 1 {
            fail("its request reached a server as a whole")
        }
        let status = judgeRefusal(client, &reader, &counts, fail)
        if deed.isDeaf { for reason in [RejectReason.slowReader, .stalledConnection] { counts.add(reason, 0...1) } }
        let recorded = world.incidents.filter { client.isOrigin(of: $0) }.map(\.kind)
        let isDue = !deed.kinds.isEmpty && status != 408
        if recorded.count != (isDue ? 1 : 0) || !recorded.allSatisfy(deed.kinds.contains) {
            fail("recorded \(recorded.map(\.rawValue)), it should be \(isDue ? deed.kinds.map(\.rawValue).sorted() : [])")
        }
        world.hold(deed.name.rawValue + (client.layer == nil ? "" : " in TLS"))
    }

    /// Each has its own answer, in turn, and has reached one server.
    static func judge(served: [Story], _ reader: inout AnswerReader, mayMiss: Bool, _ fail: (String) -> Void) {
        for story in served {
            guard let answer = reader.next(isHead: story.request.method == "HEAD") else {
                if !mayMiss { fail("request \(story.id) got no answer") }
                break
            }
            if story.request.asksTunnel { break }
            let isExact = answer.status == story.answer.status && answer.body == story.answer.body
            if !isExact, answer.isWhole || !mayMiss { fail("request \(story.id) got \(answer.status), not its answer") }
            if story.arrivals.count != 1 { fail("request \(story.id) reached a server \(story.arrivals.count) times") }
        }
    }

    /// The proxy's own answer, and the end behind it. Gives the status.
    private static func judgeRefusal(
        _ client: FaultyRequester, _ reader: inout AnswerReader, _ counts: inout Counts, _ fail: (String) -> Void
    ) -> Int? {
        let deed = client.deed
        guard !deed.answers.isEmpty else {
            if !deed.mayMiss, deed.served.last?.request.asksTunnel != true, !reader.isAtEnd { fail("was answered again") }
            return nil
        }
        guard let answer = reader.next(isHead: deed.broken?.request.method == "HEAD"), answer.isWhole,
            let reason = deed.answers[answer.status]
        else {
            fail("was not answered with any of \(deed.answers.keys.sorted())")
            return nil
        }
        counts.add(reason, 1...1)
        if !answer.closes { fail("was not told that the connection closes") }
        if !reader.isAtEnd { fail("was answered again") }
        if !client.isOver { fail("is still there") }
        return answer.status
    }
}

/// Takes answers from what was said to a client.
struct AnswerReader {
    struct Answer {
        var status = 0
        var body: [UInt8] = []
        var closes = false
        var isWhole = false
    }

    private var reader = MessageReader(responses: true)

    init(_ bytes: [UInt8]) { reader.receive(bytes) }

    var isAtEnd: Bool { reader.rest.isEmpty }

    /// The next one, as far as it is there.
    mutating func next(isHead: Bool) -> Answer? {
        reader.answersHead = isHead
        var answer: Answer?
        while let event = reader.next() {
            switch event {
            case .interim: break
            case .head(let head): answer = Answer(status: head.status, closes: head.closes)
            case .body(let bytes): answer?.body += bytes
            case .end:
                answer?.isWhole = true
                return answer
            case .broken: return nil
            }
        }
        return answer
    }
}
