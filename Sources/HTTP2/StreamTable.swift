/// The open streams: places that are found by a stream's number. A place stays where it is while its stream is open, but all
/// may move when one is added.
@safe struct StreamTable {
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
        unsafe places = .allocate(capacity: capacity)
        unsafe buckets = .allocate(capacity: capacity)
        unsafe buckets.initialize(repeating: -1, count: capacity)
    }

    func deallocate() {
        for i in 0..<capacity {
            var place = unsafe buckets[i]
            while place >= 0 {
                unsafe places[Int(place)].queue.release()
                place = unsafe places[Int(place)].next
            }
        }
        unsafe places.deallocate()
        unsafe buckets.deallocate()
    }

    @inline(__always)
    private func bucket(_ id: Int32) -> Int { Int(id >> 1) & (capacity - 1) }

    /// The place of a stream; negative: it is not open.
    @inline(__always)
    func find(_ id: Int32) -> Int32 {
        var place = unsafe buckets[bucket(id)]
        while place >= 0, unsafe places[Int(place)].id != id { place = unsafe places[Int(place)].next }
        return place
    }

    @inline(__always)
    subscript(_ place: Int32) -> UnsafeMutablePointer<StreamState> { unsafe places + Int(place) }

    /// Calls `body` with every open stream's place. It may remove that one.
    @inline(__always)
    func forEach(_ body: (Int32) -> Void) {
        for i in 0..<capacity {
            var place = unsafe buckets[i]
            while place >= 0 {
                let next = unsafe places[Int(place)].next
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
            free = unsafe places[Int(place)].next
        } else {
            place = Int32(used)
            used += 1
        }
        unsafe (places + Int(place)).initialize(to: stream)
        let i = bucket(stream.id)
        unsafe places[Int(place)].next = unsafe buckets[i]
        unsafe buckets[i] = place
        count += 1
        return place
    }

    mutating func remove(_ place: Int32) {
        let i = unsafe bucket(places[Int(place)].id)
        if unsafe buckets[i] == place {
            unsafe buckets[i] = unsafe places[Int(place)].next
        } else {
            var before = unsafe buckets[i]
            while unsafe places[Int(before)].next != place { before = unsafe places[Int(before)].next }
            unsafe places[Int(before)].next = unsafe places[Int(place)].next
        }
        unsafe places[Int(place)].queue.release()
        unsafe places[Int(place)].next = free
        free = place
        count -= 1
    }

    /// Gives back what many streams at once have needed, once there are none.
    mutating func shrink() {
        guard count == 0, capacity > Self.placesMin else { return }
        unsafe places.deallocate()
        unsafe buckets.deallocate()
        self = StreamTable()
    }

    private mutating func resize(_ size: Int) {
        let larger = UnsafeMutablePointer<StreamState>.allocate(capacity: size)
        unsafe larger.moveInitialize(from: places, count: used)
        unsafe places.deallocate()
        unsafe buckets.deallocate()
        unsafe places = unsafe larger
        unsafe buckets = .allocate(capacity: size)
        unsafe buckets.initialize(repeating: -1, count: size)
        capacity = size
        for place in 0..<used {
            let i = unsafe bucket(places[place].id)
            unsafe places[place].next = unsafe buckets[i]
            unsafe buckets[i] = Int32(place)
        }
    }
}
