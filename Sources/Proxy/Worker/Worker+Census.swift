extension Worker {
    package var census: WorkerCensus {
        var census = WorkerCensus()
        census.clients = clients.count
        census.upstreams = upstreams.count
        census.exchanges = exchanges.count
        census.lentBytes = transport.buffers.lentBytes
        census.pipes = transport.pipes.lent
        census.collections = surplus.count
        census.captures = surplus.blockCount
        census.hangups = hangups.count
        census.waiting = waitQueues.count
        census.queued = loop.turnCount
        return census
    }
}
