import Report

/// What clients do with TLS that they must not has its end, its alert and its count, and nobody is accused of it.
extension Verdicts {
    /// Plan.Timeouts.clientHeader, of which a handshake is a part.
    private static let handshakeTime: UInt64 = 15_000_000_000
    /// From what has been read last to the end: a connection that lingers may take two seconds.
    private static let soon: UInt64 = 4_500_000_000
    /// The time of an idle connection and twice that for an answer, and some more.
    private static let ever: UInt64 = 200_000_000_000

    static func judgeIntruders(_ world: SimulatedWorld) {
        var counts = Counts()
        for intruder in world.intruders { judge(intruder, &counts, world) }
        judge(counts, world)
        for incident in world.incidents {
            world.fail("somebody is accused: \(incident.kind.rawValue): \(incident.message)")
        }
    }

    private static func judge(_ intruder: TLSIntruder, _ counts: inout Counts, _ world: SimulatedWorld) {
        let deed = intruder.deed
        func fail(_ what: String) { world.fail("intruder \(intruder.number) with \(deed.name): \(what)") }
        counts.add(.tls, deed.counted)
        // Of those who change keys, some read nothing.
        if deed.name == .takesNoAnswer || deed.name == .keyUpdates && deed.end == .ever {
            for reason in [RejectReason.slowReader, .stalledConnection] { counts.add(reason, 0...1) }
        }
        let said = intruder.overheard.said
        var reader = AnswerReader(intruder.tls == nil ? [] : said)
        judge(served: deed.served, &reader, mayMiss: deed.mayMiss, fail)
        if !reader.isAtEnd, !deed.mayMiss { fail("was answered once more") }
        if let broken = deed.broken, broken.arrivals.contains(where: \.isWhole) || broken.arrivals.count > 1 {
            fail("its request reached a server as a whole")
        }
        judgeAlert(of: intruder, said, fail)
        judgeEnd(of: intruder, fail)
        world.hold(deed.name.rawValue)
    }

    private static func judgeAlert(of intruder: TLSIntruder, _ said: [UInt8], _ fail: (String) -> Void) {
        let deed = intruder.deed
        if deed.name == .plainHTTP {
            let answer = Array("HTTP/1.1 400 ".utf8)
            // What its socket does not take at once is lost.
            let isCut = !intruder.world.weather.clientLink.isWhole && answer.starts(with: said)
            if !said.starts(with: answer), !isCut { fail("was not answered in cleartext: \(said.shown)") }
            return
        }
        var alert = intruder.tls?.lastAlert
        if intruder.tls == nil, said.count == 7, said[0] == 21 { alert = said[6] }
        if alert == 0 { alert = nil }
        if deed.alerts.isEmpty, alert != nil, !deed.otherAlerts.contains(alert!) {
            fail("got the alert \(alert!): \(said.shown)")
        }
        // One that its socket does not take is lost.
        let mayBeLost = !intruder.world.weather.clientLink.isWhole || !deed.served.isEmpty
        if !deed.alerts.isEmpty, alert.map(deed.alerts.contains) != true, alert != nil || !mayBeLost {
            fail("got the alert \(alert.map(String.init) ?? "none"), it should be \(deed.alerts.sorted()): \(said.shown)")
        }
    }

    private static func judgeEnd(of intruder: TLSIntruder, _ fail: (String) -> Void) {
        guard let left = intruder.overheard.leftAt else { return fail("is still there") }
        let lasted = left - intruder.begunAt
        switch intruder.deed.end {
        case .handshakeTime:
            if lasted + 10_000_000 < handshakeTime || lasted > handshakeTime + 1_000_000_000 {
                fail("was left after \(lasted / 1_000_000) ms")
            }
        case .soon:
            let read = intruder.overheard.lastReadTime ?? intruder.begunAt
            if left > max(read, intruder.begunAt) + soon { fail("was left \((left - read) / 1_000_000) ms after it was read") }
        case .ever: break
        }
        if lasted > ever { fail("was left after \(lasted / 1_000_000) ms") }
    }
}
