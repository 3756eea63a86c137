import HTTP1
import Wire

/// Drives a response decoder as a connection does, and writes down what it reports.
struct ResponseLog {
    private(set) var log: [String] = []
    private var decoder = ResponseDecoder()
    private var block = HeaderBlockBox()
    private var held: [UInt8] = []
    private var methods: ArraySlice<Wire.Method>
    private let asksUpgrade: Bool
    private var body: [UInt8] = []
    private var surplusBytes = 0
    private var fault: Malformation?

    init(_ methods: [Wire.Method], asksUpgrade: Bool = false) {
        self.methods = methods[...]
        self.asksUpgrade = asksUpgrade
        sendNext()
    }

    private mutating func sendNext() {
        guard let method = methods.popFirst() else { return }
        decoder.requestSent(method: method, asksUpgrade: asksUpgrade)
    }

    mutating func receive(_ bytes: [UInt8]) {
        held += bytes
        while fault == nil, !held.isEmpty {
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: held.count)
            defer { memory.deallocate() }
            memory.initialize(from: held, count: held.count)
            let step = decoder.next(memory, count: held.count, limits: HeadLimits(headerBytesMax: 1 << 14), block: &block.block)
            precondition(step.consumed <= held.count && step.bodyStart + step.bodyCount <= held.count)
            body += UnsafeBufferPointer(start: memory + step.bodyStart, count: step.bodyCount)
            held.removeFirst(step.consumed)
            switch step.event {
            case .needMore:
                precondition(step.consumed == 0 && step.bodyCount == 0)
                return
            case .surplus:
                surplusBytes += held.count
                held = []
            case .interim: add("interim \(block.block.status)")
            case .head: add("head \(block.block.status)")
            case .switched: add("switched")
            case .interimInBody: add("interim \(block.block.status) in body")
            case .body: if step.hasTrailers { add("trailers \(block.block.count)") }
            case .malformed(let found): fault = found
            }
            if step.ended {
                add("end")
                sendNext()
            }
        }
    }

    private mutating func add(_ event: String) {
        if !body.isEmpty { log.append("body \(String(decoding: body, as: UTF8.self))") }
        body = []
        log.append(event)
    }

    mutating func finish(closes: Bool) {
        if !body.isEmpty { log.append("body \(String(decoding: body, as: UTF8.self))") }
        body = []
        if surplusBytes > 0 { log.append("surplus \(surplusBytes)") }
        if let fault { log.append("malformed \(fault.text), \(held.count) left") }
        if closes { log.append(decoder.receiveEnd() ? "closed whole" : "closed short") }
    }
}

/// A header block cannot be copied; a log can, with the block it reads into.
private final class HeaderBlockBox {
    var block = HeaderBlock(capacity: 32)
}
