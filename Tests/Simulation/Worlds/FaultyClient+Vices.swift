import Simulation

/// Its vices, one act at a time.
extension FaultyClient {
    func play(_ vice: Vice) {
        let many = 1 + random.below(random.pick([10, 300, 1500]))
        switch vice {
        case .resets:
            guard let one = anyOne else { return _ = ask() }
            resetOwn(one)
        case .rapidResets:
            guard let story = stories.first(where: { !$0.request.hasBody }) else { return }
            for _ in 0..<min(many, 700) { ask(story).map(resetOwn) }
        case .greed: for _ in 0..<min(many, 200) { ask() }
        case .largeHeads: largeHead()
        case .pings: for _ in 0..<many { write(Frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8])) }
        case .settings: for _ in 0..<min(many, 300) { write(.settings(random.pick([[], [(4, 100)], [(4, 1 << 20)]]))) }
        case .emptyData:
            guard let one = openOne else { return _ = ask() }
            for _ in 0..<many { write(Frame(.data, stream: one.stream)) }
        case .windowUpdates:
            let stream = random.chance(perMille: 500) ? 0 : anyOne?.stream ?? 0
            for _ in 0..<many { write(Frame(.windowUpdate, stream: stream, Frame.number(1))) }
        case .priorities: for _ in 0..<many { write(Frame(.priority, stream: idleStream, [0, 0, 0, 0, 9])) }
        case .unknownFrames: for _ in 0..<many { write(Frame(type: 0xfa, flags: 0x55, stream: idleStream, noise(20))) }
        case .goesAway: write(Frame(.goAway, Frame.number(0) + Frame.number(UInt32(random.below(14)))))
        case .shutWindows: ask()
        case .narrowWindows: widen(by: 1)
        case .deafness: if random.chance(perMille: 300) { isReading = true } else { stopReading() }
        case .cut: if random.chance(perMille: 300) { cut() }
        case .lateFrames: lateFrame()
        case .idleFrames:
            write(
                random.pick([
                    Frame(.reset, stream: idleStream, Frame.number(8)), Frame(.data, stream: idleStream, noise(10)),
                    Frame(.windowUpdate, stream: idleStream, Frame.number(1)),
                ]))
        case .endlessHeads: endlessHead(many)
        case .interruptedHeads:
            let block = packer.pack(Self.nobodys)
            write(Frame(.headers, flags: Frame.endStream, stream: freshStream, Array(block.prefix(random.below(block.count)))))
            write(random.pick([Frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8]), .settings([]), Frame(.data, stream: 1, [1])]))
        case .badWindows:
            let stream = random.chance(perMille: 500) ? 0 : anyOne?.stream ?? 0
            write(Frame(.windowUpdate, stream: stream, Frame.number(random.pick([0, 0x7fff_ffff]))))
        case .badFrames: write(badFrame())
        case .badHeads: writeHead(freshStream, badFields(), ends: random.chance(perMille: 700), .malformed)
        case .badPreface, .garbage: sendCut(noise(300))
        case .longBodies, .shortBodies, .secondHeads: wrongBody(vice)
        }
    }

    private func resetOwn(_ one: Asked) {
        one.isReset = true
        write(Frame(.reset, stream: one.stream, Frame.number(UInt32(random.pick([8, 8, 0, 2, 5, 99])))))
    }

    private func largeHead() {
        var fields = Self.nobodys
        let isOne = random.chance(perMille: 500)
        let count = isOne ? 1 : random.pick([150, 500, 3000])
        for i in 0..<count {
            fields.append(("x-large-\(i)", String(repeating: "abcdefgh#", count: isOne ? random.pick([8000, 30_000]) : 3)))
        }
        writeHead(freshStream, fields, ends: true, .tooLarge)
    }

    private func lateFrame() {
        guard let one = anyOne else { return _ = ask() }
        if one.isOpen, !one.isSpoilt, one.sent == one.story.request.body.count {
            one.hasEnded = true
            write(Frame(.data, flags: Frame.endStream, stream: one.stream))
        }
        guard !one.isOpen else { return }
        switch random.below(4) {
        case 0: write(Frame(.data, flags: UInt8(random.below(2)), stream: one.stream, noise(100)))
        case 1: writeHead(one.stream, Self.nobodys, ends: random.chance(perMille: 500))
        case 2: write(Frame(.windowUpdate, stream: one.stream, Frame.number(1)))
        default: write(Frame(.reset, stream: one.stream, Frame.number(8)))
        }
    }

    private func endlessHead(_ many: Int) {
        let stream = freshStream
        write(Frame(.headers, flags: Frame.endStream, stream: stream, Array(packer.pack(Self.nobodys))))
        let piece = packer.pack([("x-endless", String(repeating: "z", count: random.below(300)))])
        for _ in 0..<min(many, 60) {
            let bytes = random.chance(perMille: 300) ? [] : piece
            write(Frame(.continuation, stream: stream, bytes))
        }
    }

    private func badFrame() -> Frame {
        let stream = anyOne?.stream ?? 1
        let unpackable = [UInt8](repeating: 0xff, count: 6)
        senses[unpackable] = .unpackable
        return random.pick([
            Frame(.ping, [1, 2, 3, 4, 5, 6, 7]), Frame(.ping, stream: 1, [1, 2, 3, 4, 5, 6, 7, 8]),
            Frame(.settings, [0, 4, 0, 0, 1]),
            Frame(.settings, stream: 1), Frame(.settings, flags: Frame.ack, [0, 4, 0, 0, 0, 1]), .settings([(2, 2)]),
            .settings([(4, 0x8000_0000)]), .settings([(5, 100)]), Frame(.reset, stream: stream, [0, 0, 8]),
            Frame(.reset, Frame.number(8)), Frame(.windowUpdate, stream: stream, [0, 0, 1]), Frame(.data, [1, 2, 3]),
            Frame(.headers, flags: 5, packer.pack(Self.nobodys)),
            Frame(.headers, flags: 5, stream: 2, packer.pack(Self.nobodys)),
            Frame(.continuation, flags: 4, stream: stream, []), Frame(.pushPromise, flags: 4, stream: stream, Frame.number(2)),
            Frame(.data, stream: stream, [UInt8](repeating: 0x78, count: 20_000)), Frame(.goAway, [0, 0, 0, 0]),
            Frame(.priority, stream: stream, [0, 0, 0, 0]),
            Frame(.headers, flags: 5 | Frame.padded, stream: freshStream, [200] + packer.pack(Self.nobodys)),
            Frame(.headers, flags: 5, stream: freshStream, unpackable),
            Frame(.headers, flags: 5, stream: freshStream, noise(200)),
        ])
    }

    private func badFields() -> FieldPacker.Fields {
        let all = Self.nobodys
        return random.pick([
            all + [("X-Upper", "a")], Array(all.dropFirst()), all.filter { $0.name != ":path" },
            all + [("connection", "close")],
            all + [("transfer-encoding", "chunked")], all + [(":path", "/again")], [("x-first", "a")] + all,
            all + [("te", "gzip")],
            all + [("content-length", "1"), ("content-length", "2")], all + [("x-line", "a\r\nb: c")], all + [("x y", "a")],
            all.map { $0.name == ":path" ? (":path", "") : $0 }, all + [(":unknown", "a")], all + [("content-length", "-1")],
        ])
    }

    /// Of a request that says how long it is.
    private func wrongBody(_ vice: Vice) {
        guard let one = openOne, one.story.request.framing == .length, !one.isSpoilt else { return _ = ask() }
        let body = one.story.request.body
        one.isSpoilt = true
        switch vice {
        case .longBodies:
            let part = Array(body[one.sent...].prefix(16_000))
            write(Frame(.data, stream: one.stream, part))
            one.sent += part.count
            guard one.sent == body.count else { return one.isSpoilt = false }
            write(Frame(.data, flags: UInt8(random.below(2)), stream: one.stream, noise(100)))
        case .shortBodies:
            guard one.sent < body.count else { return one.isSpoilt = false }
            one.hasEnded = true
            write(Frame(.data, flags: Frame.endStream, stream: one.stream))
        default:
            let ends = random.chance(perMille: 500)
            // Not drawn, so that the other worlds stay as they are.
            guard world.seed >> 12 & 3 == 0 else { return writeHead(one.stream, Self.nobodys, ends: ends) }
            largeTrailers(one)
        }
    }

    /// Behind the rest of a request's body.
    private func largeTrailers(_ one: Asked) {
        let part = one.story.request.body[one.sent...].prefix(16_000)
        write(Frame(.data, stream: one.stream, Array(part)))
        one.sent += part.count
        writeHead(one.stream, (0..<200).map { ("x-trailer-\($0)", "a") }, ends: true, .tooLarge)
    }
}
