import Simulation

/// Makes up what clients do with TLS. The same numbers give the same deeds.
struct TLSDeedWriter {
    var random: SeededNumbers
    /// Requests that are as they should be: any, and chunked ones.
    let plain: (Bool) -> Story
    /// What is sent may come in pieces: then only the beginnings that OpenSSL itself knows are HTTP.
    let isCut: Bool

    private enum Alert {
        static let closeNotify: UInt8 = 0, unexpectedMessage: UInt8 = 10, badRecord: UInt8 = 20, recordOverflow: UInt8 = 22
        static let handshakeFailure: UInt8 = 40, illegalParameter: UInt8 = 47, decodeError: UInt8 = 50, decryptError: UInt8 = 51
        static let protocolVersion: UInt8 = 70, internalError: UInt8 = 80, userCancelled: UInt8 = 90
        static let noRenegotiation: UInt8 = 100, noProtocol: UInt8 = 120
    }

    private enum Kind { static let alert: UInt8 = 21, handshake: UInt8 = 22, data: UInt8 = 23 }

    private static let closeNotify = TLSDeed.Act.forges(Kind.alert, [1, Alert.closeNotify])
    private static let smuggled = Array("GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n".utf8)
    /// A hello without anything in it.
    private static let shortHello: [UInt8] =
        [1, 0, 0, 43, 3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0xc0, 0x2b, 1, 0, 0, 0]

    mutating func deed(_ name: TLSDeed.Name) -> TLSDeed {
        var deed = TLSDeed(name)
        switch name {
        case .saysNothing, .stopsInHello, .claimsMuch, .stopsBeforeFinish, .stopsInFinish, .dripsForLong, .takesNoFlight:
            stop(&deed)
        case .plainHTTP, .otherProtocol, .longFirstRecord, .emptyFirstRecords, .firstWarnings, .fatalFirst, .hugeHello:
            sayOtherThings(&deed)
        case .oldVersion, .otherCipher, .otherProtocols, .spoiltFinish, .muchEarlyData: refuse(&deed)
        case .spoiltRecord, .clearRecord, .unknownType, .longRecord, .badMessage, .mixedMessage, .emptyRecords, .warnings,
            .fatalAlert, .keyUpdates, .renegotiations:
            breakRecords(&deed)
        case .closesAtOnce, .closesInHead, .closesInBody, .cutsInHead, .cutsInBody, .resets: leave(&deed)
        case .drips, .unknownName, .manyProtocols, .foreignTicket, .earlyData, .closesBehindRequest, .dataBehindClose,
            .smallRecords,
            .paddedRecords, .someKeyUpdates, .someEmptyRecords, .someWarnings, .halfMessage, .asksToRenegotiate, .takesNoAnswer:
            bear(&deed)
        }
        return deed
    }

    private mutating func hello(_ way: TLSHello.Way = .ordinary) -> TLSHello {
        TLSHello(way: way, isOld: random.chance(perMille: 400))
    }

    // MARK: Handshakes

    private mutating func stop(_ deed: inout TLSDeed) {
        deed.end = .handshakeTime
        guard deed.name != .saysNothing else { return }
        deed.counted = 1...1
        // The beginning of the longest hello that is taken.
        if deed.name == .claimsMuch { return deed.acts = [.saysBelow([22, 3, 1, 0, 8, 1, 2, 0, 0, 3, 3, 0, 0])] }
        deed.hello = hello()
        switch deed.name {
        case .stopsInHello: deed.handshake = .stops(flight: 1, perMille: random.pick([1, 1 + random.below(1000), 1000]))
        case .stopsBeforeFinish: deed.handshake = .stops(flight: 2, perMille: 0)
        case .stopsInFinish: deed.handshake = .stops(flight: 2, perMille: random.pick([1, 1 + random.below(1000), 1000]))
        case .dripsForLong: deed.handshake = .drips(20_000_000_000)
        default: deed.isDeaf = true
        }
    }

    private mutating func sayOtherThings(_ deed: inout TLSDeed) {
        deed.counted = 1...1
        deed.end = .soon
        let noise = (0..<random.below(400)).map { _ in UInt8(random.below(256)) }
        switch deed.name {
        case .plainHTTP:
            let known = ["GET", "HEAD", "POST", "PUT"]
            let method = random.pick(isCut ? known : known + ["DELETE", "OPTIONS", "PROPFIND"])
            let text = "\(method) /evil HTTP/1.1\r\nHost: evil.example\r\n\r\n"
            deed.acts = [.saysBelow(random.chance(perMille: 800) || isCut ? Array(text.utf8) : Frame.preface)]
        case .otherProtocol:
            deed.acts = [
                .saysBelow([UInt8(random.pick([0, 5, 25, 0x7f])), UInt8(random.pick([0, 1, 9, 0x45])), 3, 4, 5] + noise)
            ]
        case .longFirstRecord:
            deed.acts = [.saysBelow([22, 3, 1, 0xff, 0xff] + noise)]
            deed.alerts = [Alert.recordOverflow]
        case .emptyFirstRecords:
            deed.acts = [.saysBelow((0..<200).flatMap { _ in [22, 3, 1, 0, 0] })]
            deed.alerts = [Alert.unexpectedMessage]
        case .firstWarnings:
            deed.acts = [.saysBelow((0..<20).flatMap { _ in [21, 3, 1, 0, 2, 1, Alert.userCancelled] })]
            deed.alerts = [Alert.unexpectedMessage]
        case .fatalFirst:
            deed.otherAlerts = [Alert.unexpectedMessage]
            deed.acts = [.saysBelow([21, 3, 1, 0, 2, 2, UInt8(random.pick([10, 40, 48, 80]))])]
        default:
            // Longer than any hello: that is known by its first four bytes.
            let length: [UInt8] = random.pick([[2, 1, 0x45], [0x7f, 0xff, 0xff]])
            deed.acts = [.saysBelow([22, 3, 1, 0x40, 0, 1] + length + [UInt8](repeating: 3, count: 16_380))]
            deed.alerts = [Alert.illegalParameter]
        }
    }

    private mutating func refuse(_ deed: inout TLSDeed) {
        deed.counted = 1...1
        deed.end = .soon
        switch deed.name {
        case .oldVersion: (deed.hello, deed.alerts) = (hello(.oldVersion), [Alert.protocolVersion])
        case .otherCipher: (deed.hello, deed.alerts) = (hello(.otherCipher), [Alert.handshakeFailure])
        case .otherProtocols: (deed.hello, deed.alerts) = (hello(.otherProtocols), [Alert.noProtocol])
        case .muchEarlyData:
            // More than OpenSSL passes over.
            deed.hello = TLSHello(way: .earlyData, early: [UInt8](repeating: 0x78, count: 40_000 + random.below(60_000)))
            deed.alerts = [Alert.unexpectedMessage]
        default:
            deed.hello = hello()
            deed.handshake = .spoilsFinish
            deed.alerts = [Alert.badRecord]
        }
    }

    // MARK: Records

    /// Perhaps a request, perhaps a part of one more, and then what ends the connection.
    private mutating func breakRecords(_ deed: inout TLSDeed) {
        var hello = hello()
        deed.end = .soon
        deed.mayMiss = true
        if random.chance(perMille: 400) { serve(&deed, plain(false)) }
        if random.chance(perMille: 400) { begin(&deed, plain(true)) }
        if random.chance(perMille: 300) { deed.acts.append(.waits(random.upTo(3_000_000_000))) }
        switch deed.name {
        case .spoiltRecord:
            deed.acts.append(.spoils(Self.smuggled))
            deed.alerts = [Alert.badRecord]
        case .clearRecord:
            let kind = random.pick([Kind.handshake, Kind.data])
            deed.acts.append(.saysBelow([kind, 3, 3, 0, UInt8(Self.smuggled.count)] + Self.smuggled))
            deed.alerts = [Alert.badRecord, Alert.unexpectedMessage]
        case .unknownType:
            deed.acts.append(.forges(UInt8(random.pick([0, 19, 25, 99, 255])), [1, 2, 3]))
            deed.alerts = [Alert.unexpectedMessage]
        case .longRecord:
            deed.acts.append(.saysBelow([Kind.data, 3, 3, 0xff, 0xff] + Self.smuggled))
            deed.alerts = [Alert.recordOverflow]
        case .badMessage:
            hello.isOld = false
            deed.acts.append(.forges(Kind.handshake, badMessage()))
            deed.alerts = [Alert.unexpectedMessage, Alert.illegalParameter, Alert.decodeError]
        case .mixedMessage:
            hello.isOld = false
            deed.acts += [.forges(Kind.handshake, [24, 0]), .says(Self.smuggled)]
            deed.alerts = [Alert.unexpectedMessage]
        case .emptyRecords:
            let kind = random.pick([Kind.data, Kind.data, Kind.handshake])
            deed.acts += [TLSDeed.Act](repeating: .forges(kind, [], padding: random.pick([0, 50])), count: 40)
            deed.alerts = [Alert.unexpectedMessage]
        case .warnings:
            deed.acts += [TLSDeed.Act](repeating: .forges(Kind.alert, [1, Alert.userCancelled]), count: 5 + random.below(300))
            deed.alerts = [Alert.unexpectedMessage]
        case .fatalAlert: deed.acts.append(.forges(Kind.alert, [2, UInt8(random.pick([10, 20, 48, 80]))]))
        case .keyUpdates:
            hello.isOld = false
            let asks = random.chance(perMille: 600)
            deed.acts += [TLSDeed.Act](repeating: .updatesKeys(asks: asks), count: 300 + random.below(2000))
            deed.counted = 1...1
            // Who takes no answers is not read any more, and may not get as far as that.
            guard random.chance(perMille: 300) else { break }
            deed.acts.insert(.stopsReading, at: 0)
            (deed.counted, deed.end) = (0...1, .ever)
        default:
            hello.isOld = true
            deed.acts += [TLSDeed.Act](repeating: .forges(Kind.handshake, Self.shortHello), count: 300 + random.below(1000))
            deed.counted = 1...1
            deed.otherAlerts = [Alert.noRenegotiation]
        }
        deed.hello = hello
    }

    /// What only a server may say, what has its time before the handshake's end, and what is not as it should be.
    private mutating func badMessage() -> [UInt8] {
        random.pick([
            [24, 0, 0, 1, 2], [24, 0, 0, 0], [24, 0, 0, 2, 0, 0], [24, 0, 0, 1, 0, 24, 0, 0, 1, 0], Self.shortHello,
            [20, 0, 0, 32] + [UInt8](repeating: 1, count: 32), [4, 0, 0, 2, 0, 0], [13, 0, 0, 3, 0, 0, 0],
            [11, 0, 0, 4, 0, 0, 0, 0],
            [99, 0, 0, 1, 0], [24, 0xff, 0xff, 0xff, 0],
        ])
    }

    // MARK: Ends

    private mutating func leave(_ deed: inout TLSDeed) {
        deed.hello = hello()
        deed.end = .soon
        let head = Array("GET /evil HTTP/1.1\r\nHost: evil.example\r\n".utf8)
        let part = Array(head.prefix(1 + random.below(head.count)))
        switch deed.name {
        case .closesAtOnce: deed.acts = [Self.closeNotify]
        case .closesInHead: deed.acts = [.says(part), Self.closeNotify]
        case .cutsInHead: deed.acts = [.says(part), .finishes]
        case .closesInBody, .cutsInBody:
            begin(&deed, plain(true))
            if random.chance(perMille: 300) { deed.acts.append(.waits(random.upTo(1_000_000_000))) }
            deed.acts.append(deed.name == .cutsInBody ? .finishes : Self.closeNotify)
            deed.mayMiss = true
        default:
            deed.end = .ever
            deed.mayMiss = true
            if random.chance(perMille: 500) {
                deed.handshake = .stops(flight: 1 + random.below(2), perMille: random.below(1001))
                deed.counted = 0...1
            } else {
                serve(&deed, plain(false))
            }
            deed.acts += [.waits(random.pick([0, random.upTo(50_000_000)])), .resets]
        }
    }

    // MARK: What is borne

    private mutating func bear(_ deed: inout TLSDeed) {
        let ways: [TLSDeed.Name: TLSHello.Way] = [
            .unknownName: .unknownName, .manyProtocols: .manyProtocols, .foreignTicket: .foreignTicket,
        ]
        var hello = hello(ways[deed.name] ?? .ordinary)
        let story = plain(random.chance(perMille: 300))
        let bytes = story.request.head + story.request.rest.flatMap(\.bytes)
        deed.served = [story]
        func between(_ act: TLSDeed.Act, _ count: Int) -> [TLSDeed.Act] {
            let places = Set((0..<count).map { $0 * bytes.count / count })
            return bytes.indices.flatMap { place -> [TLSDeed.Act] in
                (places.contains(place) ? [act] : []) + [.says([bytes[place]])]
            }
        }
        deed.acts = [.says(bytes)]
        switch deed.name {
        case .drips: deed.handshake = .drips(8_000_000_000)
        // It is not taken, and comes once more.
        case .earlyData: hello = TLSHello(way: .earlyData, early: Array(bytes.prefix(8000)))
        case .closesBehindRequest:
            deed.acts.append(Self.closeNotify)
        case .dataBehindClose:
            deed.acts += [Self.closeNotify, .says(Self.smuggled)]
            if random.chance(perMille: 500) { deed.acts.append(.finishes) }
        case .smallRecords: deed.acts = bytes.map { .says([$0]) }
        case .paddedRecords:
            hello.isOld = false
            deed.acts = bytes.prefix(300).map { .forges(Kind.data, [$0], padding: 1 + random.below(800)) }
            if bytes.count > 300 { deed.acts.append(.says(Array(bytes[300...]))) }
        case .someKeyUpdates:
            hello.isOld = false
            deed.acts = between(.updatesKeys(asks: random.chance(perMille: 500)), 15)
        case .someEmptyRecords: deed.acts = between(.forges(Kind.data, []), 60)
        case .someWarnings: deed.acts = between(.forges(Kind.alert, [1, Alert.userCancelled]), 60)
        case .halfMessage:
            hello.isOld = false
            deed.acts += [.forges(Kind.handshake, [24, 0, 0]), .waits(random.upTo(4_000_000_000))]
            deed.acts += [.forges(Kind.handshake, [1, 0])]
        case .asksToRenegotiate:
            hello.isOld = true
            // OpenSSL's clients end with the warning that says no.
            deed.acts += [.waits(60_000_000_000), .forges(Kind.handshake, Self.shortHello)]
            deed.alerts = [Alert.noRenegotiation]
        case .takesNoAnswer:
            deed.acts = [.stopsReading] + deed.acts
            deed.mayMiss = true
        default: break
        }
        deed.hello = hello
    }

    private func serve(_ deed: inout TLSDeed, _ story: Story) {
        deed.served.append(story)
        deed.acts.append(.says(story.request.head + story.request.rest.flatMap(\.bytes)))
    }

    private func begin(_ deed: inout TLSDeed, _ story: Story) {
        deed.broken = story
        deed.acts.append(.says(story.request.head + Array("5\r\n".utf8) + story.request.body.prefix(3)))
    }
}
