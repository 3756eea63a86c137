import Report
import Wire

/// The tapes of one worker's connections to upstreams, by descriptor, and of the last few that have ended.
public struct TapeDeck: ~Copyable {
    private let store: CaptureStore
    private var tapes: [Int32: Tape] = [:]
    /// What ended last, for incidents that are recorded afterwards: a hang-up is judged when its server has had time to explain it.
    private var ended: [Tape] = []
    private var block = HeaderBlock(capacity: CaptureLimit.fieldsMax)

    public init(_ store: CaptureStore) { self.store = store }

    /// A connection begins.
    public mutating func begin(_ descriptor: Int32, connection: UInt64) {
        tapes[descriptor] = Tape(connection: connection, policy: store.policy)
    }

    public mutating func sent(_ descriptor: Int32, _ bytes: [UInt8], at time: UInt64) {
        tapes[descriptor]?.sent(bytes, at: time, &block)
    }

    /// Bytes came, perhaps none, and perhaps the connection's end after them.
    public mutating func received(
        _ descriptor: Int32, _ bytes: UnsafeBufferPointer<UInt8>, hasEnded: Bool, isReset: Bool, at time: UInt64
    ) {
        guard var tape = tapes.removeValue(forKey: descriptor) else { return }
        unsafe tape.received(bytes, at: time, &block)
        if hasEnded || isReset { tape.ended(isReset: isReset, at: time) }
        if tape.name != nil, tape.isBetweenExchanges { store.write(tape) }
        tapes[descriptor] = tape
    }

    /// The descriptor is about to be closed.
    public mutating func end(_ descriptor: Int32) {
        guard let tape = tapes.removeValue(forKey: descriptor) else { return }
        if tape.name != nil { store.write(tape) }
        if ended.count == CaptureLimit.endedTapesMax { ended.removeFirst() }
        ended.append(tape)
    }

    /// Names the file that the incident's connection is written to, when one may be.
    public mutating func capture(_ incident: inout Incident) {
        guard let connection = incident.upstream?.connection else { return }
        if let descriptor = tapes.first(where: { $0.value.connection == connection })?.key {
            Self.note(&incident, in: &tapes[descriptor]!, store)
        } else if let place = ended.lastIndex(where: { $0.connection == connection }) {
            Self.note(&incident, in: &ended[place], store)
            if ended[place].name != nil { store.write(ended[place]) }
        }
    }

    private static func note(_ incident: inout Incident, in tape: inout Tape, _ store: CaptureStore) {
        guard !tape.isEmpty, tape.incidents.count < CaptureLimit.incidentsMax else { return }
        if tape.name == nil {
            guard store.admit() else { return }
            tape.name = CaptureStore.name(of: incident)
        }
        incident.capture = tape.name
        tape.incidents.append(incident)
    }
}
