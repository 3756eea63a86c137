import Detector

extension RequestRecord {
    /// What sort of request it is: `RequestSort`.
    var sort: UInt32 {
        guard let base = head.base else { return 1 }
        let path = UnsafeBufferPointer(start: base + Int(target.start), count: Int(target.count))
        return RequestSort.of(route: route, method: method.rawValue, target: path)
    }
}
