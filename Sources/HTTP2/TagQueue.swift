/// Tags of streams to be reported, in order. Never longer than the streams that were open between two looks at it.
struct TagQueue {
    private var tags: UnsafeMutablePointer<Int32>?
    private var start = 0
    private var end = 0
    private var capacity = 0

    mutating func add(_ tag: Int32) {
        if end == capacity {
            let larger = UnsafeMutablePointer<Int32>.allocate(capacity: max(8, capacity * 2))
            if let tags {
                larger.update(from: tags + start, count: end - start)
                tags.deallocate()
            }
            tags = larger
            capacity = max(8, capacity * 2)
            end -= start
            start = 0
        }
        tags![end] = tag
        end += 1
    }

    mutating func next() -> Int32? {
        guard start < end else { return nil }
        defer {
            start += 1
            if start == end { release() }
        }
        return tags![start]
    }

    func deallocate() { tags?.deallocate() }

    private mutating func release() {
        tags?.deallocate()
        tags = nil
        start = 0
        end = 0
        capacity = 0
    }
}
