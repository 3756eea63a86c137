/// What a worker holds at a moment, for whoever drives one by hand and must see that nothing is left behind.
package struct WorkerCensus: Equatable, Sendable {
    package var clients = 0
    package var upstreams = 0
    package var exchanges = 0
    /// Bytes of buffers that are out of the pool.
    package var lentBytes = 0
    /// Pipes with bytes of bodies in them.
    package var pipes = 0
    /// Collections of surplus, captures of status lines in bodies, hang-ups that wait for judgement.
    package var collections = 0
    package var captures = 0
    package var hangups = 0
    /// Exchanges in the upstreams' queues.
    package var waiting = 0
    /// Connections to come back to in the next turn.
    package var queued = 0

    package init() {}
}
