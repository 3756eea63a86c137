/// Tags of streams to be reported, in order. Never longer than the streams that were open between two looks at it.
@safe struct TagQueue {
    private var tags: UnsafeMutablePointer<Int32>?
    private var start = 0
    private var end = 0
    private var capacity = 0

    mutating func add(_ tag: Int32) {
        if end == capacity {
            let larger = UnsafeMutablePointer<Int32>.allocate(capacity: max(8, capacity * 2))
            if let tags = unsafe tags {
                unsafe larger.update(from: tags + start, count: end - start)
                unsafe tags.deallocate()
            }
            unsafe tags = unsafe larger
            capacity = max(8, capacity * 2)
            end -= start
            start = 0
        }
        unsafe tags![end] = tag
        end += 1
    }

    mutating func next() -> Int32? {
        guard start < end else { return nil }
        defer {
            start += 1
            if start == end { release() }
        }
        return unsafe tags![start]
    }

    func deallocate() { unsafe tags?.deallocate() }

    private mutating func release() {
        unsafe tags?.deallocate()
        unsafe tags = nil
        start = 0
        end = 0
        capacity = 0
    }
}
