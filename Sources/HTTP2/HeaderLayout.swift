import CNghttp2
import Wire

/// Lays fields out as lines of HTTP/1, and holds them against RFC 9113 section 8.2 and 8.3.
@safe struct HeaderLayout {
    private var bytes = unsafe UnsafeMutablePointer<UInt8>?.none
    private var count = 0
    private var capacity = 0
    private let spare: HeaderSpare?

    private var sort = HeaderDecoder.Sort.request
    private var bytesMax = 0
    private var countMax = 0
    /// Bytes and fields of the whole block, also those that were not kept.
    private var allBytes = 0
    private var allFields = 0
    /// Those that have been seen.
    private var pseudo: PseudoFields = []
    private var hasRegular = false
    private var isMalformed = false
    private var isFull = false
    private var path = ByteRange()
    private var authority = ByteRange()
    private var cookie = -1

    init(spare: HeaderSpare?) { self.spare = spare }

    /// The block goes so far over its limits that nobody means well by it.
    var isBomb: Bool {
        allBytes > bytesMax * HeaderDecoder.overlengthFactorMax || allFields > countMax * HeaderDecoder.overlengthFactorMax
    }

    private var isOver: Bool { allBytes > bytesMax || allFields > countMax }

    mutating func begin(_ sort: HeaderDecoder.Sort, bytesMax: Int, countMax: Int, _ block: inout HeaderBlock) {
        self.sort = sort
        self.bytesMax = bytesMax
        self.countMax = min(countMax, block.capacity)
        if capacity == 0 { begin() }
        count = 0
        allBytes = 0
        allFields = 0
        pseudo = []
        hasRegular = false
        isMalformed = false
        isFull = false
        authority = ByteRange()
        path = ByteRange()
        cookie = -1
        unsafe block.reset(base: bytes!)
        block.version = .http2
        block.method = .other
        block.methodText = ByteRange()
        block.reason = ByteRange()
    }

    mutating func put(
        _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int,
        _ block: inout HeaderBlock
    ) {
        allBytes += nameCount + valueCount + 4
        if nameCount > 0, unsafe name[0] == 0x3a {
            if !isOver { unsafe putPseudo(name, nameCount, value, valueCount, &block) }
            return
        }
        allFields += 1
        if isOver { return }
        hasRegular = true
        guard unsafe nghttp2_check_header_name(name, nameCount) != 0, nameCount <= Int(UInt16.max),
            unsafe nghttp2_check_header_value(value, valueCount) != 0
        else {
            unsafe note(nghttp2_check_header_name(name, nameCount) != 0 ? .value : .name, name, nameCount, &block)
            return
        }
        // Section 8.2.1. Servers that leave a space there are many: an answer's is taken off, as HTTP/1 has it.
        guard unsafe sort == .answer || !isPadded(value, valueCount) else {
            return unsafe note(.value, name, nameCount, &block)
        }
        var start = unsafe value
        var valueCount = valueCount
        while valueCount > 0, unsafe start[0] == 0x20 || start[0] == 0x09 { unsafe start += 1; valueCount -= 1 }
        while valueCount > 0, unsafe start[valueCount - 1] == 0x20 || start[valueCount - 1] == 0x09 { valueCount -= 1 }
        let known = unsafe FieldName(name, count: nameCount)
        if known == .other {
            if nameCount == 6, unsafe equalsIgnoringCase(name, "cookie", count: 6), sort == .request {
                unsafe putCookie(name, start, valueCount, &block)
            } else {
                unsafe putLine(name, nameCount, start, valueCount, known, &block)
            }
            return
        }
        unsafe putKnown(known, name, nameCount, start, valueCount, &block)
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Whether the value begins or ends with white space.
    private func isPadded(_ value: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        unsafe count > 0 && (isBlank(value[0]) || isBlank(value[count - 1]))
    }

    private mutating func putKnown(
        _ known: FieldName, _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int,
        _ block: inout HeaderBlock
    ) {
        switch known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade:
            // Section 8.2.2.
            return unsafe note(.connectionSpecific, name, nameCount, &block)
        case .te where unsafe !equalsIgnoringCase(value, "trailers", count: valueCount):
            return unsafe note(.connectionSpecific, name, nameCount, &block)
        case .host where sort == .request:
            // Section 8.3.1: two names for where a request goes are none.
            if block.has(.host) {
                if unsafe !isSame(value, valueCount, authority) { isMalformed = true }
                return
            }
            guard unsafe nghttp2_check_authority(value, valueCount) != 0 else {
                isMalformed = true
                return
            }
        default: break
        }
        unsafe putLine(name, nameCount, value, valueCount, known, &block)
        if known == .host { authority = lastValue(block) }
        unsafe FieldReader.note(known, value, valueCount, &block)
    }

    private mutating func putPseudo(
        _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int,
        _ block: inout HeaderBlock
    ) {
        guard !hasRegular, sort != .requestTrailers else {
            unsafe note(.pseudoBehindRegular, name, nameCount, &block)
            if sort == .requestTrailers { block.facts.insert(.pseudoInTrailers) }
            // A status among trailers is worth knowing (`HTTP2Violation.statusInTrailers`).
            if sort == .answer { unsafe putStatus(name, nameCount, value, valueCount, &block) }
            return
        }
        if sort == .answer {
            unsafe putStatus(name, nameCount, value, valueCount, &block)
            return
        }
        let field: PseudoFields
        switch nameCount {
        case 5 where unsafe equalsIgnoringCase(name, ":path", count: 5):
            field = .path
            path = unsafe append(value, valueCount)
            for i in 0..<valueCount where unsafe value[i] <= 0x20 || value[i] >= 0x7f { isMalformed = true }
        case 7 where unsafe equalsIgnoringCase(name, ":method", count: 7):
            field = .method
            block.method = unsafe Method(value, count: valueCount)
            block.methodText = unsafe append(value, valueCount)
            if unsafe valueCount == 0 || nghttp2_check_method(value, valueCount) == 0 { isMalformed = true }
        case 7 where unsafe equalsIgnoringCase(name, ":scheme", count: 7):
            field = .scheme
            if unsafe valueCount == 0 || nghttp2_check_header_value(value, valueCount) == 0 { isMalformed = true }
        case 9 where unsafe equalsIgnoringCase(name, ":protocol", count: 9):
            field = .protocol
            if unsafe valueCount == 0 || nghttp2_check_method(value, valueCount) == 0 {
                isMalformed = true
            } else {
                unsafe putLine("upgrade", value, valueCount, .upgrade, &block)
            }
        case 10 where unsafe equalsIgnoringCase(name, ":authority", count: 10):
            field = .authority
            unsafe putAuthority(value, valueCount, &block)
        default:
            isMalformed = true
            return
        }
        if pseudo.contains(field) {
            isMalformed = true
            block.repeatedPseudo.insert(field)
        }
        pseudo.insert(field)
    }

    private mutating func putAuthority(_ value: UnsafePointer<UInt8>, _ valueCount: Int, _ block: inout HeaderBlock) {
        // Section 8.3.1: no user information.
        for i in 0..<valueCount where unsafe value[i] == 0x40 { isMalformed = true }
        guard unsafe nghttp2_check_authority(value, valueCount) != 0 else {
            isMalformed = true
            return
        }
        guard valueCount > 0 else { return }
        unsafe putLine("host", value, valueCount, .host, &block)
        authority = lastValue(block)
        unsafe FieldReader.note(.host, value, valueCount, &block)
    }

    private mutating func putStatus(
        _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int,
        _ block: inout HeaderBlock
    ) {
        guard unsafe equalsIgnoringCase(name, ":status", count: nameCount), valueCount == 3,
            let status = unsafe FieldReader.decimal(value, valueCount), status >= 100
        else {
            return unsafe note(.status, name, nameCount, &block)
        }
        if pseudo.contains(.status) {
            block.facts.insert(.statusRepeated)
            return
        }
        pseudo.insert(.status)
        block.status = Int(status)
    }

    /// A field that makes the block malformed: the first is named. Cold.
    private mutating func note(
        _ fault: FieldFault, _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ block: inout HeaderBlock
    ) {
        isMalformed = true
        guard block.fault == nil else { return }
        block.fault = fault
        let shown = unsafe UnsafeBufferPointer(start: name, count: min(nameCount, 64)).map {
            $0 > 0x20 && $0 < 0x7f ? $0 : 0x3f
        }
        block.faultName = String(decoding: shown, as: UTF8.self)
    }

    mutating func end(_ block: inout HeaderBlock) -> HeaderDecoder.Outcome {
        if sort == .request, !isOver { endRequest(&block) }
        unsafe block.base = unsafe UnsafePointer(bytes!)
        block.byteCount = count + 2
        FieldReader.conclude(&block)
        if allFields > countMax || isFull { return .tooManyFields }
        if allBytes > bytesMax { return .tooLarge }
        return isMalformed ? .malformed : .complete
    }

    /// Section 8.3.1, RFC 8441 section 4.
    private mutating func endRequest(_ block: inout HeaderBlock) {
        let isConnect = block.method == .connect
        block.target = path
        if isConnect, !pseudo.contains(.protocol) {
            block.target = authority
            if !pseudo.isDisjoint(with: [.scheme, .path]) || !pseudo.contains(.authority) { isMalformed = true }
        } else {
            if !pseudo.isSuperset(of: [.method, .scheme, .path]) || path.isEmpty || !block.has(.host) { isMalformed = true }
            let first = unsafe path.isEmpty ? 0 : bytes![Int(path.start)]
            let isAsterisk = path.count == 1 && first == 0x2a && block.method == .options
            if first != 0x2f, !isAsterisk { isMalformed = true }
        }
        if pseudo.contains(.protocol) {
            if !isConnect { isMalformed = true }
            block.facts.insert(.extendedConnect)
        }
        if !block.facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid, .contentLengthRepeated]) {
            isMalformed = true
        }
    }
}

/// The bytes.
extension HeaderLayout {
    func deallocate() { unsafe bytes?.deallocate() }

    /// Gives the bytes back, when no block is looked at.
    mutating func release() {
        if let bytes = unsafe bytes, unsafe capacity != HeaderSpare.byteCount || spare?.keep(bytes) != true {
            unsafe bytes.deallocate()
        }
        unsafe bytes = nil
        capacity = 0
    }

    private mutating func begin() {
        guard let space = unsafe spare?.take() else { return grow(HeaderSpare.byteCount) }
        unsafe bytes = unsafe space
        capacity = HeaderSpare.byteCount
    }

    private mutating func grow(_ size: Int) {
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: size)
        if let bytes = unsafe bytes {
            unsafe larger.update(from: bytes, count: count)
            unsafe bytes.deallocate()
        }
        unsafe bytes = unsafe larger
        capacity = size
    }

    @inline(__always)
    private mutating func reserve(_ n: Int) {
        if capacity - count < n { grow(max(capacity * 2, count + n)) }
    }

    private mutating func append(_ value: UnsafePointer<UInt8>, _ n: Int) -> ByteRange {
        reserve(n)
        unsafe (bytes! + count).update(from: value, count: n)
        count += n
        return ByteRange(start: count - n, count: n)
    }

    @inline(__always)
    private mutating func putLine(
        _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int, _ known: FieldName,
        _ block: inout HeaderBlock
    ) {
        // `:authority` and `:protocol` are lines here.
        guard block.count < countMax else {
            isFull = true
            return
        }
        reserve(nameCount + valueCount + 4)
        let line = unsafe bytes! + count
        unsafe line.update(from: name, count: nameCount)
        unsafe line[nameCount] = 0x3a
        unsafe line[nameCount + 1] = 0x20
        unsafe (line + nameCount + 2).update(from: value, count: valueCount)
        unsafe line[nameCount + valueCount + 2] = 0x0d
        unsafe line[nameCount + valueCount + 3] = 0x0a
        let end = count + nameCount + valueCount + 4
        unsafe block.fields[block.count] = Field(
            start: UInt32(truncatingIfNeeded: count), end: UInt32(truncatingIfNeeded: end),
            nameCount: UInt16(truncatingIfNeeded: nameCount), name: known,
            valueStart: UInt32(truncatingIfNeeded: count + nameCount + 2), valueCount: UInt32(truncatingIfNeeded: valueCount))
        block.count += 1
        count = end
    }

    private mutating func putLine(
        _ name: StaticString, _ value: UnsafePointer<UInt8>, _ valueCount: Int, _ known: FieldName, _ block: inout HeaderBlock
    ) {
        unsafe putLine(name.utf8Start, name.utf8CodeUnitCount, value, valueCount, known, &block)
    }

    private func lastValue(_ block: borrowing HeaderBlock) -> ByteRange {
        guard block.count > 0 else { return ByteRange() }
        let field = unsafe block.fields[block.count - 1]
        return ByteRange(start: Int(field.valueStart), count: Int(field.valueCount))
    }

    /// Crumbs become one line again (section 8.2.3).
    private mutating func putCookie(
        _ name: UnsafePointer<UInt8>, _ value: UnsafePointer<UInt8>, _ valueCount: Int, _ block: inout HeaderBlock
    ) {
        guard cookie >= 0 else {
            if block.count < countMax { cookie = block.count }
            unsafe putLine(name, 6, value, valueCount, .other, &block)
            return
        }
        let n = valueCount + 2
        reserve(n)
        let at = unsafe Int(block.fields[cookie].end) - 2
        // What stands after it, the line's own end included, makes room; seldom more than that end.
        unsafe (bytes! + at + n).update(from: bytes! + at, count: count - at)
        unsafe bytes![at] = 0x3b
        unsafe bytes![at + 1] = 0x20
        unsafe (bytes! + at + 2).update(from: value, count: valueCount)
        count += n
        let shift = UInt32(truncatingIfNeeded: n)
        if Int(authority.start) > at { authority.start += shift }
        unsafe block.fields[cookie].end += shift
        unsafe block.fields[cookie].valueCount += shift
        for i in cookie + 1..<max(block.count, cookie + 1) {
            unsafe block.fields[i].start += shift
            unsafe block.fields[i].end += shift
            unsafe block.fields[i].valueStart += shift
        }
    }

    private func isSame(_ value: UnsafePointer<UInt8>, _ n: Int, _ range: ByteRange) -> Bool {
        guard n == Int(range.count) else { return false }
        let other = unsafe bytes! + Int(range.start)
        for i in 0..<n {
            var (a, b) = unsafe (value[i], other[i])
            if a &- 0x41 < 26 { a |= 0x20 }
            if b &- 0x41 < 26 { b |= 0x20 }
            if a != b { return false }
        }
        return true
    }
}
