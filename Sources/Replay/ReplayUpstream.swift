import HTTP1
import Simulation
import Wire

/// The far end of one connection to the upstream: says what the recorded upstream said after the same request.
final class ReplayUpstream: SimulatedPeer {
    private unowned let replay: Replay
    private var reader = RequestReader()
    /// Reads the requests' frames; nil on HTTP/1.
    private let frames: FrameReader?
    private var hasBegun = false
    private var lastTime: UInt64 = 0
    private let log: Int

    init(_ replay: Replay) {
        self.replay = replay
        frames = replay.script.isHTTP2 ? FrameReader(.server) : nil
        log = replay.events.open(isHTTP2: replay.script.isHTTP2)
    }

    override func received(_ bytes: [UInt8]) {
        guard let frames else {
            for part in reader.read(bytes) where part.startsRequest {
                if let number = Self.number(part.bytes) { requestArrived(number, stream: 0) }
            }
            return
        }
        if !hasBegun { play(replay.script.preamble) }
        hasBegun = true
        for fact in frames.read(bytes, now: replay.network.time) where fact.step.event == .head {
            if let number = fact.requestNumber { requestArrived(number, stream: fact.step.stream) }
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

    private func requestArrived(_ number: Int, stream: Int32) {
        guard let request = replay.script.requests.first(where: { $0.number == number }) else { return }
        guard replay.played.insert(number).inserted else {
            // The recorded upstream answered once; what it would have said to the same request again is not known. What it says on
            // this stream from now on, whatever it is meant for, is the answer as far as a proxy can know.
            if replay.script.isHTTP2, log == 0 { replay.events.requestSent(number, request.method, on: log) }
            return
        }
        // Frames name their stream, and header blocks refer to those before them: on another connection they mean nothing.
        if replay.script.isHTTP2, log != 0 || request.stream != stream { return replay.events.isNotPlayed(number) }
        replay.events.requestSent(number, request.method, on: log)
        play(request.lines)
    }

    private func play(_ lines: [ReplayScript.Line]) {
        let start = replay.network.time
        for line in lines {
            switch line.content {
            case .bytes(let bytes):
                for part in cut(bytes, offset: line.offset) {
                    play(at: start + line.after) { [unowned self] in
                        replay.events.receive(part, on: log)
                        if isOpen { send(part) }
                    }
                }
            case .end:
                play(at: start + line.after) { [unowned self] in
                    replay.events.end(on: log)
                    finish()
                }
            case .reset: play(at: start + line.after) { [unowned self] in reset() }
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
