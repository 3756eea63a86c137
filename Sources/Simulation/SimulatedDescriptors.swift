/// Numbers of what a process has open, those that were closed handed out again first, and the sockets among them.
struct SimulatedDescriptors {
    /// Standard input, output and error are open.
    private var places: [SimulatedSocket?] = [nil, nil, nil]
    private var free: [Int32] = []

    /// The socket that has this number; nil for none, and for what is no socket.
    subscript(_ fd: Int32) -> SimulatedSocket? {
        get { places.indices.contains(Int(fd)) ? places[Int(fd)] : nil }
        set { places[Int(fd)] = newValue }
    }

    var sockets: [SimulatedSocket] { places.compactMap { $0 } }

    mutating func open() -> Int32 {
        if let fd = free.popLast() { return fd }
        places.append(nil)
        return Int32(places.count - 1)
    }

    mutating func close(_ fd: Int32) {
        places[Int(fd)] = nil
        free.append(fd)
    }
}
