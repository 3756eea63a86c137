/// Who sits at the far end of a simulated connection: a client or an upstream, as a small state machine.
///
/// Override what matters. By default everything is read as soon as it arrives.
open class SimulatedPeer {
    /// Its end of the connection; nil before `connected`.
    public internal(set) var socket: SimulatedSocket?
    /// Whether arriving bytes are read. While false they wait in the socket, and then with their sender.
    public var isReading = true {
        didSet { if isReading, !oldValue { readAvailable() } }
    }
    /// Bytes taken in one read.
    public var readBytesMax = 64 << 10
    /// What makes other bytes of those that pass; nil: they pass as they are.
    public var layer: PeerLayer?
    private var waiting = ByteQueue()
    private var endsWhenSent = false
    private var closesWhenSent = false
    private var hasReportedEnd = false
    private var isBeyondLayer = false

    public init() {}

    /// The connection is there, with its layer.
    open func connected() {}
    /// It could not be made: a positive errno.
    open func refused(_ error: Int32) {}
    open func received(_ bytes: [UInt8]) {}
    /// The other side has ended its direction.
    open func ended() {}
    /// The connection was reset.
    open func wasReset() {}
    /// Everything given to `send` is in the kernel's hands.
    open func allSent() {}

    /// Bytes given to `send` that the kernel has not taken yet.
    public var unsentBytes: Int { waiting.count }
    public var isOpen: Bool { socket.map { !$0.isClosed } ?? false }

    /// Sends the bytes as the socket takes them, however long that lasts.
    public func send(_ bytes: [UInt8]) { sendBelow(layer?.wrap(bytes) ?? bytes) }

    /// Sends the bytes as they are, whatever the layer would have made of them.
    public func sendBelow(_ bytes: [UInt8]) {
        waiting.append(bytes)
        writeWaiting()
    }

    public func send(_ text: String) { send(Array(text.utf8)) }

    /// Ends this side's direction after what is still to be sent.
    public func finish() {
        if isOpen, let bytes = layer?.end() { waiting.append(bytes) }
        endsWhenSent = true
        writeWaiting()
    }

    /// Closes after what is still to be sent. With bytes unread this resets, as Linux does.
    public func close() {
        if isOpen, let bytes = layer?.end() { waiting.append(bytes) }
        closesWhenSent = true
        writeWaiting()
    }

    /// Closes at once with a reset; what is unsent is lost.
    public func reset() {
        waiting.removeAll()
        socket?.close(reset: true)
    }

    // MARK: From the socket

    /// The connection is there.
    func begin() {
        if let layer { act(on: layer.begin()) } else { connected() }
        writeWaiting()
    }

    private func take(_ bytes: [UInt8]) {
        if let layer { act(on: layer.receive(bytes)) } else { received(bytes) }
    }

    private func act(on step: PeerLayerStep) {
        if !step.output.isEmpty { sendBelow(step.output) }
        if step.hasOpened { connected() }
        if !step.bytes.isEmpty, isOpen { received(step.bytes) }
        guard isOpen, let leaving = step.leaving else { return }
        switch leaving {
        case .ended:
            guard !hasReportedEnd else { return }
            hasReportedEnd = true
            ended()
        case .failed where !isBeyondLayer:
            isBeyondLayer = true
            wasReset()
        case .failed: break
        case .finishes: finish()
        case .resets: reset()
        }
    }

    func readable() {
        if isReading { return readAvailable() }
        // A reset is seen even by who does not read.
        if socket?.isDead == true { wasReset() }
    }

    private func readAvailable() {
        guard let socket else { return }
        while isReading, !socket.isClosed {
            switch socket.read(readBytesMax) {
            case .bytes(let bytes): take(bytes)
            case .nothing: return
            case .end:
                if !hasReportedEnd {
                    hasReportedEnd = true
                    ended()
                }
                return
            case .failed:
                wasReset()
                return
            }
        }
    }

    func writeWaiting() {
        guard let socket, socket.isEstablished, !socket.isClosed else { return }
        let had = !waiting.isEmpty
        while !waiting.isEmpty {
            let taken = socket.write(waiting)
            if taken < 0 {
                waiting.removeAll()
                break
            }
            if taken == 0 { return }
            waiting.drop(taken)
        }
        if closesWhenSent {
            socket.close(reset: false)
        } else if endsWhenSent {
            endsWhenSent = false
            socket.shutdownWrite()
        }
        if had { allSent() }
    }
}
