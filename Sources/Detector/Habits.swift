import Facts

/// What requests of one sort are usually answered with, and after how long: the evidence that shows whose a late answer is.
///
/// A sort is a route, a method and a path without what varies in it. The table is bounded: of sorts that compete for the same few places
/// the one that is worth the least is forgotten. The first place stands for everything. Of a busy worker's answers one in eight is noted.
@safe public struct Habits: ~Copyable {
    public static let sortsMax = 512
    /// Places that a sort may have.
    private static let choicesMax = 4
    static let shapesMax = 4
    static let bucketsMax = 16
    static let lengthsMax = 32
    /// Of second sends the delays are distinguished more finely: a timer's are alike.
    static let delaysMax = 32
    /// Answers of one sort after which the old ones count for less.
    private static let answersMax: UInt32 = 4096
    /// As long as no more have come, every answer is noted.
    private static let learnedAfter: UInt32 = 512

    private struct Habit: BitwiseCopyable {
        var sort: UInt32 = 0
        var answers: UInt32 = 0
        /// How often it was suspected of a second send, in shares of one incident.
        var suspicion: Float = 0
        /// How often it was among those whose a surplus might be, and what its own answer was could not be known.
        var suspected: Float = 0
        /// In how many incidents it was asked for before what was one too many.
        var companies: Float = 0
        /// What its second sends look like for the most part, and by how many shares.
        var extraShape: UInt64 = 0
        var extraShapeShares: Float = 0
        /// What would be lost with it.
        var worth: Float { Float(answers) + 8 * suspicion }
    }

    private let habits: UnsafeMutablePointer<Habit>
    private let shapes: UnsafeMutablePointer<UInt64>
    private let shapeCounts: UnsafeMutablePointer<UInt32>
    private let times: UnsafeMutablePointer<UInt32>
    private let lengths: UnsafeMutablePointer<UInt32>
    private let delays: UnsafeMutablePointer<Float>
    private var tick: UInt32 = 0

    public init() {
        unsafe habits = .allocate(capacity: Self.sortsMax)
        unsafe shapes = .allocate(capacity: Self.sortsMax * Self.shapesMax)
        unsafe shapeCounts = .allocate(capacity: Self.sortsMax * Self.shapesMax)
        unsafe times = .allocate(capacity: Self.sortsMax * Self.bucketsMax)
        unsafe lengths = .allocate(capacity: Self.sortsMax * Self.lengthsMax)
        unsafe delays = .allocate(capacity: Self.sortsMax * Self.delaysMax)
        for place in 0..<Self.sortsMax { clear(place, for: 0) }
    }

    deinit {
        unsafe habits.deallocate()
        unsafe shapes.deallocate()
        unsafe shapeCounts.deallocate()
        unsafe times.deallocate()
        unsafe lengths.deallocate()
        unsafe delays.deallocate()
    }

    /// Whether the next answer is to be noted.
    public mutating func wantsNext() -> Bool {
        tick &+= 1
        return unsafe tick & 7 == 0 || habits[0].answers < Self.learnedAfter
    }

    /// An answer of a sort has come, so many nanoseconds after its request, and others after it: it was the request's own.
    public mutating func note(_ sort: UInt32, shape: UInt64, delay: UInt64, bodyBytes: UInt64) {
        count(0, shape, delay, bodyBytes)
        let place = place(of: sort)
        if unsafe habits[place].sort != sort {
            // Whoever comes often stays, and whoever is suspected.
            if unsafe habits[place].worth > 1 {
                age(place)
                return
            }
            clear(place, for: sort)
        }
        count(place, shape, delay, bodyBytes)
    }

    /// A sort was answered so long before something that was one too many, whoever sent that: of who sends twice the time is always alike.
    public mutating func accompany(_ sort: UInt32, delay: UInt64) {
        let place = place(of: sort)
        if unsafe habits[place].sort != sort { clear(place, for: sort) }
        unsafe habits[place].companies += 1
        unsafe delays[place * Self.delaysMax + Self.delayBucket(delay)] += 1
    }

    /// A sort is suspected of a share of a second send.
    public mutating func suspect(_ sort: UInt32, share: Double, shape: UInt64?) {
        let place = place(of: sort)
        // Who is suspected is worth remembering before who is only frequent.
        if unsafe habits[place].sort != sort { clear(place, for: sort) }
        let share = Float(share)
        unsafe habits[place].suspicion += share
        guard let shape else { return }
        if unsafe habits[place].extraShape == shape {
            unsafe habits[place].extraShapeShares += share
        } else if unsafe habits[place].extraShapeShares < share {
            unsafe (habits[place].extraShape, habits[place].extraShapeShares) = (shape, share)
        } else {
            unsafe habits[place].extraShapeShares -= share
        }
    }

    /// A sort was asked for where a second send was found, and which answer was its own cannot be known.
    public mutating func doubt(_ sort: UInt32) {
        let place = place(of: sort)
        if unsafe habits[place].sort == sort { unsafe habits[place].suspected += 1 }
    }

    // MARK: What is known

    /// Answers of this sort that have been noted.
    public func answers(_ sort: UInt32) -> Int { known(sort).map { unsafe Int(habits[$0].answers) } ?? 0 }

    /// The odds that a request of a sort is answered twice, before any evidence.
    func odds(_ sort: UInt32) -> Double {
        guard let place = known(sort) else { return 1.0 / 9 }
        let asked = unsafe Double(habits[place].answers) + Double(habits[place].suspected) + 3
        let chance = unsafe min(0.97, (Double(habits[place].suspicion) + 0.3) / asked)
        return chance / (1 - chance)
    }

    /// How likely a second send of a sort looks like this; `general`: of a sort of which none is known.
    func likelihood(ofExtra shape: UInt64, of sort: UInt32, general: Double) -> Double {
        guard let place = known(sort), unsafe habits[place].suspicion > 0 else { return general }
        let shares = unsafe Double(habits[place].extraShapeShares)
        let alike = unsafe AnswerShape.likeness(habits[place].extraShape, shape) * shares
        return unsafe (alike + general) / (Double(habits[place].suspicion) + 1)
    }

    /// How likely a second send of a sort comes so late; `general`: of a sort of which none is known.
    func likelihood(ofExtraDelay delay: UInt64, of sort: UInt32, general: Double) -> Double {
        guard let place = known(sort) else { return general }
        let bucket = Self.delayBucket(delay)
        func shares(_ i: Int) -> Double {
            unsafe (0..<Self.delaysMax).contains(i) ? Double(delays[place * Self.delaysMax + i]) : 0
        }
        let near = (2 * shares(bucket) + shares(bucket - 1) + shares(bucket + 1)) / 4
        return unsafe (near + 2 * general) / (Double(habits[place].companies) + 2)
    }

    /// In how many incidents a sort has been suspected, by shares.
    func suspicion(_ sort: UInt32) -> Float { known(sort).map { unsafe habits[$0].suspicion } ?? 0 }

    /// How likely an answer of this shape is for a sort of request; what is not known of the sort, all others stand in for.
    ///
    /// - Parameter others: what else has come on the connection, the answer itself among them: with nothing learned, that is usual.
    func likelihood(of shape: UInt64, for sort: UInt32, among others: [UInt64]) -> Double {
        let common = commonness(of: shape, among: others)
        guard let place = known(sort) else { return common }
        return unsafe (weight(of: shape, at: place) + common) / (Double(habits[place].answers) + 1)
    }

    func commonness(of shape: UInt64, among others: [UInt64]) -> Double {
        let alike = others.reduce(-1) { $0 + AnswerShape.likeness($1, shape) }
        return unsafe (weight(of: shape, at: 0) + alike + 0.3) / (Double(habits[0].answers) + Double(others.count))
    }

    /// How likely an answer is so long after its request.
    func likelihood(ofDelay delay: UInt64, for sort: UInt32) -> Double {
        let place = known(sort) ?? 0
        let bucket = Self.bucket(delay)
        func count(_ i: Int) -> Double {
            unsafe (0..<Self.bucketsMax).contains(i) ? Double(times[place * Self.bucketsMax + i]) : 0
        }
        let near = 2 * count(bucket) + count(bucket - 1) + count(bucket + 1)
        return unsafe (near + 0.5) / (4 * Double(habits[place].answers) + 0.5 * Double(Self.bucketsMax))
    }

    /// How likely an answer's body is so long.
    func likelihood(ofLength bytes: UInt64, for sort: UInt32) -> Double {
        guard let place = known(sort) else { return 0.5 * 8 / 16 }
        let bucket = Self.lengthBucket(bytes)
        func count(_ i: Int) -> Double {
            unsafe (0..<Self.lengthsMax).contains(i) ? Double(lengths[place * Self.lengthsMax + i]) : 0
        }
        let near = 2 * count(bucket) + count(bucket - 1) + count(bucket + 1)
        return unsafe 8 * (near + 0.5) / (4 * Double(habits[place].answers) + 16)
    }

    /// How likely an answer is there so long after its request, or sooner.
    func likelihood(ofDelayUpTo delay: UInt64, for sort: UInt32) -> Double {
        let place = known(sort) ?? 0
        let count = (0...Self.bucket(delay)).reduce(0) { unsafe $0 + Double(times[place * Self.bucketsMax + $1]) }
        return unsafe (count + 0.5) / (Double(habits[place].answers) + 1)
    }

    /// After how long a sort is usually answered; 0 when that is not known.
    func usualDelay(_ sort: UInt32) -> UInt64 {
        guard let place = known(sort), unsafe habits[place].answers >= 3 else { return 0 }
        var count: UInt32 = 0
        for i in 0..<Self.bucketsMax {
            unsafe count += times[place * Self.bucketsMax + i]
            if unsafe count * 2 >= habits[place].answers { return i == 0 ? 30_000 : 1 << (15 + UInt64(i)) }
        }
        return 0
    }

    /// The status that a sort is usually answered with; nil when nothing is known.
    func usualStatus(_ sort: UInt32) -> Int? {
        guard let place = known(sort) else { return nil }
        let first = place * Self.shapesMax
        let best = (first..<first + Self.shapesMax).max { unsafe shapeCounts[$0] < shapeCounts[$1] }!
        return unsafe shapeCounts[best] > 0 ? AnswerShape.status(shapes[best]) : nil
    }

    /// Counts what is alike: the same shape, the same names in another number, the same status.
    private func weight(of shape: UInt64, at place: Int) -> Double {
        var weight = 0.0
        for i in place * Self.shapesMax..<(place + 1) * Self.shapesMax where unsafe shapeCounts[i] > 0 {
            unsafe weight += AnswerShape.likeness(shapes[i], shape) * Double(shapeCounts[i])
        }
        return weight
    }

    // MARK: The table

    /// Where a sort is, or would be: of the places that it may have, the one whose sort is worth the least.
    private func place(of sort: UInt32) -> Int {
        var weakest = 0
        for step in 0..<Self.choicesMax {
            let place = 1 + (Int(sort % UInt32(Self.sortsMax - 1)) + step) % (Self.sortsMax - 1)
            if unsafe habits[place].sort == sort { return place }
            if unsafe weakest == 0 || habits[place].worth < habits[weakest].worth { weakest = place }
        }
        return weakest
    }

    private func known(_ sort: UInt32) -> Int? {
        let place = place(of: sort)
        return unsafe habits[place].sort == sort && (habits[place].answers > 0 || habits[place].suspected > 0) ? place : nil
    }

    private func clear(_ place: Int, for sort: UInt32) {
        unsafe habits[place] = Habit(sort: sort)
        unsafe (shapes + place * Self.shapesMax).initialize(repeating: 0, count: Self.shapesMax)
        unsafe (shapeCounts + place * Self.shapesMax).initialize(repeating: 0, count: Self.shapesMax)
        unsafe (times + place * Self.bucketsMax).initialize(repeating: 0, count: Self.bucketsMax)
        unsafe (lengths + place * Self.lengthsMax).initialize(repeating: 0, count: Self.lengthsMax)
        unsafe (delays + place * Self.delaysMax).initialize(repeating: 0, count: Self.delaysMax)
    }

    private func count(_ place: Int, _ shape: UInt64, _ delay: UInt64, _ bodyBytes: UInt64) {
        if unsafe habits[place].answers >= Self.answersMax { age(place) }
        unsafe habits[place].answers += 1
        unsafe times[place * Self.bucketsMax + Self.bucket(delay)] += 1
        unsafe lengths[place * Self.lengthsMax + Self.lengthBucket(bodyBytes)] += 1
        let first = place * Self.shapesMax
        var rarest = first
        for i in first..<first + Self.shapesMax {
            if unsafe shapes[i] == shape, unsafe shapeCounts[i] > 0 {
                unsafe shapeCounts[i] += 1
                return
            }
            if unsafe shapeCounts[i] < shapeCounts[rarest] { rarest = i }
        }
        unsafe shapes[rarest] = shape
        unsafe shapeCounts[rarest] = 1
    }

    private func age(_ place: Int) {
        unsafe habits[place].answers /= 2
        unsafe habits[place].suspicion /= 2
        unsafe habits[place].suspected /= 2
        unsafe habits[place].companies /= 2
        unsafe habits[place].extraShapeShares /= 2
        for i in place * Self.shapesMax..<(place + 1) * Self.shapesMax { unsafe shapeCounts[i] /= 2 }
        for i in place * Self.bucketsMax..<(place + 1) * Self.bucketsMax { unsafe times[i] /= 2 }
        for i in place * Self.lengthsMax..<(place + 1) * Self.lengthsMax { unsafe lengths[i] /= 2 }
        for i in place * Self.delaysMax..<(place + 1) * Self.delaysMax { unsafe delays[i] /= 2 }
    }

    /// Powers of two, from 64 µs on.
    static func bucket(_ nanoseconds: UInt64) -> Int {
        let units = nanoseconds >> 16
        return units == 0 ? 0 : min(bucketsMax - 1, 64 - units.leadingZeroBitCount)
    }
    /// Half powers of two.
    static func lengthBucket(_ bytes: UInt64) -> Int {
        guard bytes > 0 else { return 0 }
        let power = 63 - bytes.leadingZeroBitCount
        // The square root of two, as a fraction.
        let isUpperHalf = bytes > (UInt64(181) << UInt64(min(power, 48))) >> 7
        return min(lengthsMax - 1, 1 + 2 * power + (isUpperHalf ? 1 : 0))
    }

    /// Four to each doubling of the time and one millisecond: as wide as a quarter millisecond at first, as timers' own spread later.
    static func delayBucket(_ nanoseconds: UInt64) -> Int {
        // Its power of two, and where in it, in 1,024ths.
        let x = min(nanoseconds, 1 << 40) + 1_000_000
        let power = 63 - x.leadingZeroBitCount
        let part = Int((x << 10) >> UInt64(power)) - 1024
        let quarter = part < 194 ? 0 : part < 424 ? 1 : part < 698 ? 2 : 3
        return min(delaysMax - 1, max(0, 4 * power + quarter - 79))
    }
}
