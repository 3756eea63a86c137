import Detector

/// What detection asks of an exchange that its connection remembers.
extension FinishedExchange: RememberedExchange {
    var sort: UInt32 { request.sort }
}

/// Bytes of a connection to an upstream, or frames of one of its streams, that no answer accounts for.
typealias Surplus = SurplusCollection<FinishedExchange>
typealias SurplusSource = SurplusCollections<FinishedExchange>.Source

extension RequestRecord {
    /// What sort of request it is: `RequestSort`.
    var sort: UInt32 {
        guard let base = head.base else { return 1 }
        let path = UnsafeBufferPointer(start: base + Int(target.start), count: Int(target.count))
        return RequestSort.of(route: route, method: method.rawValue, target: path)
    }
}
