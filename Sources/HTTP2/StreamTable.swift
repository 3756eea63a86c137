/// The open streams: places that are found by a stream's number. A place stays where it is while its stream is open, but all
/// may move when one is added.
struct StreamTable {
    /// What a connection without streams keeps.
    private static let placesMin = 4

    private var places: UnsafeMutablePointer<StreamState>
    private var buckets: UnsafeMutablePointer<Int32>
    /// A power of two.
    private var capacity: Int
    private var used = 0
    private var free: Int32 = -1
    private(set) var count = 0

    init() {
        capacity = Self.placesMin
        places = .allocate(capacity: capacity)
        buckets = .allocate(capacity: capacity)
        buckets.initialize(repeating: -1, count: capacity)
    }

    func deallocate() {
        for i in 0..<capacity {
            var place = buckets[i]
            while place >= 0 {
                places[Int(place)].queue.release()
                place = places[Int(place)].next
            }
        }
        places.deallocate()
        buckets.deallocate()
    }

    @inline(__always)
    private func bucket(_ id: Int32) -> Int { Int(id >> 1) & (capacity - 1) }

    /// The place of a stream; negative: it is not open.
    @inline(__always)
    func find(_ id: Int32) -> Int32 {
        var place = buckets[bucket(id)]
        while place >= 0, places[Int(place)].id != id { place = places[Int(place)].next }
        return place
    }

    @inline(__always)
    subscript(_ place: Int32) -> UnsafeMutablePointer<StreamState> { places + Int(place) }

    /// Calls `body` with every open stream's place. It may remove that one.
    @inline(__always)
    func forEach(_ body: (Int32) -> Void) {
        for i in 0..<capacity {
            var place = buckets[i]
            while place >= 0 {
                let next = places[Int(place)].next
                body(place)
                place = next
            }
        }
    }

    mutating func add(_ stream: StreamState) -> Int32 {
        if free < 0, used == capacity { resize(capacity * 2) }
        let place: Int32
        if free >= 0 {
            place = free
            free = places[Int(place)].next
        } else {
            place = Int32(used)
            used += 1
        }
        (places + Int(place)).initialize(to: stream)
        let i = bucket(stream.id)
        places[Int(place)].next = buckets[i]
        buckets[i] = place
        count += 1
        return place
    }

    mutating func remove(_ place: Int32) {
        let i = bucket(places[Int(place)].id)
        if buckets[i] == place {
            buckets[i] = places[Int(place)].next
        } else {
            var before = buckets[i]
            while places[Int(before)].next != place { before = places[Int(before)].next }
            places[Int(before)].next = places[Int(place)].next
        }
        places[Int(place)].queue.release()
        places[Int(place)].next = free
        free = place
        count -= 1
    }

    /// Gives back what many streams at once have needed, once there are none.
    mutating func shrink() {
        guard count == 0, capacity > Self.placesMin else { return }
        places.deallocate()
        buckets.deallocate()
        self = StreamTable()
    }

    private mutating func resize(_ size: Int) {
        let larger = UnsafeMutablePointer<StreamState>.allocate(capacity: size)
        larger.moveInitialize(from: places, count: used)
        places.deallocate()
        buckets.deallocate()
        places = larger
        buckets = .allocate(capacity: size)
        buckets.initialize(repeating: -1, count: size)
        capacity = size
        for place in 0..<used {
            let i = bucket(places[place].id)
            places[place].next = buckets[i]
            buckets[i] = Int32(place)
        }
    }
}
