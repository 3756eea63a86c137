import HTTP1
import Wire

/// What a body decoder made of bytes that came in pieces, the way a connection presents them: what it leaves comes
/// again with the next piece behind it.
struct DecodedBody: Equatable {
    enum End: Equatable { case open, complete, malformed(Malformation) }

    var body: [UInt8] = []
    var trailers: [String] = []
    /// Statuses of interim header blocks among the chunks.
    var interims: [Int] = []
    var end = End.open
    /// Bytes that were consumed in all.
    var consumed = 0

    var text: String { String(decoding: body, as: UTF8.self) }

    init(_ decoder: BodyDecoder, _ pieces: [[UInt8]], limit: Int = 1 << 14) {
        var decoder = decoder
        var block = HeaderBlock(capacity: 32)
        var held: [UInt8] = []
        for piece in pieces {
            held += piece
            while end == .open {
                let step = Self.decode(&decoder, held, limit, &block, &self)
                held.removeFirst(step.consumed)
                if step.outcome == .more { break }
            }
        }
    }

    private static func decode(
        _ decoder: inout BodyDecoder, _ bytes: [UInt8], _ limit: Int, _ block: inout HeaderBlock, _ result: inout DecodedBody
    ) -> BodyStep {
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: bytes.count)
        defer { memory.deallocate() }
        memory.initialize(from: bytes, count: bytes.count)
        let step = decoder.decode(memory, count: bytes.count, limits: HeadLimits(headerBytesMax: limit), block: &block)
        result.consumed += step.consumed
        result.body += UnsafeBufferPointer(start: memory + step.bodyStart, count: step.bodyCount)
        switch step.outcome {
        case .more: break
        case .interim: result.interims.append(block.status)
        case .malformed(let fault): result.end = .malformed(fault)
        case .end:
            result.end = .complete
            guard step.hasTrailers else { break }
            for i in 0..<block.count {
                let name = String(decoding: block.nameBytes(block.fields[i]), as: UTF8.self)
                result.trailers.append("\(name): \(String(decoding: block.value(block.fields[i]), as: UTF8.self))")
            }
        }
        return step
    }
}

/// The bytes whole, cut in two at every byte, and byte by byte.
func everyCutting(of bytes: [UInt8]) -> [[[UInt8]]] {
    [[bytes], bytes.map { [$0] }] + bytes.indices.map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
}
