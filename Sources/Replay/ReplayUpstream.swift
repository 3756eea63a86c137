import HTTP1
import Simulation
import Wire

/// The far end of one connection to the upstream: says what the recorded upstream said after the same request.
final class ReplayUpstream: SimulatedPeer {
    private unowned let replay: Replay
    private var reader = RequestReader()
    private var lastTime: UInt64 = 0
    private let log: Int

    init(_ replay: Replay) {
        self.replay = replay
        log = replay.events.open()
    }

    override func received(_ bytes: [UInt8]) {
        for part in reader.read(bytes) where part.startsRequest {
            if let number = Self.number(part.bytes) { requestArrived(number) }
        }
    }

    override func ended() { close() }

    /// The request's number, from the id that the client gave it. A proxy writes a header block in one piece.
    private static func number(_ bytes: [UInt8]) -> Int? {
        var block = HeaderBlock(capacity: 256)
        return bytes.withUnsafeBufferPointer { bytes in
            let limits = HeadLimits(headerBytesMax: bytes.count)
            guard HeadParser.request(bytes.baseAddress!, count: bytes.count, limits: limits, into: &block) == .complete else {
                return nil
            }
            return block.first(.xRequestID).flatMap { Int(String(decoding: block.value($0), as: UTF8.self)) }
        }
    }

    private func requestArrived(_ number: Int) {
        // The recorded upstream answered once; what it would have said to the same request again is not known.
        guard replay.played.insert(number).inserted, let request = replay.script.requests.first(where: { $0.number == number })
        else { return }
        replay.events.requestSent(number, request.method, on: log)
        let arrival = replay.network.time
        for line in request.lines {
            switch line.content {
            case .bytes(let bytes):
                for part in cut(bytes, offset: line.offset) {
                    play(at: arrival + line.after) { [unowned self] in
                        replay.events.receive(part, on: log)
                        if isOpen { send(part) }
                    }
                }
            case .end:
                play(at: arrival + line.after) { [unowned self] in
                    replay.events.end(on: log)
                    finish()
                }
            case .reset: play(at: arrival + line.after) { [unowned self] in reset() }
            }
        }
    }

    /// Lines keep their order and never share a moment, so that each is a read of its own.
    private func play(at time: UInt64, _ action: @escaping () -> Void) {
        lastTime = max(lastTime + 1, time)
        replay.network.at(lastTime, action)
    }

    private func cut(_ bytes: [UInt8], offset: Int) -> [[UInt8]] {
        switch replay.cutting {
        case .asRecorded: return [bytes]
        case .everyByte:
            let rest = Array(bytes.dropFirst(ReplayScript.cutBytesMax))
            return bytes.prefix(ReplayScript.cutBytesMax).map { [$0] } + (rest.isEmpty ? [] : [rest])
        case .at(let place):
            guard place > offset, place < offset + bytes.count else { return [bytes] }
            return [Array(bytes.prefix(place - offset)), Array(bytes.dropFirst(place - offset))]
        }
    }
}
