/// Writes a protobuf message into bytes (protobuf's *Encoding*): what OTLP's messages are made of, and no more.
struct ProtobufText {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ field: UInt64, _ value: UInt64) {
        append(field << 3)
        append(value)
    }

    mutating func fixed64(_ field: UInt64, _ value: UInt64) {
        append(field << 3 | 1)
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    mutating func string(_ field: UInt64, _ text: String) { data(field, Array(text.utf8)) }

    mutating func data(_ field: UInt64, _ data: [UInt8]) {
        append(field << 3 | 2)
        append(UInt64(data.count))
        bytes += data
    }

    mutating func message(_ field: UInt64, _ fill: (inout ProtobufText) -> Void) {
        var inner = ProtobufText()
        fill(&inner)
        data(field, inner.bytes)
    }

    private mutating func append(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Reads a protobuf message that a stranger has written: field by field, ending at whatever is none.
struct ProtobufReader {
    private var rest: ArraySlice<UInt8>

    enum Value: Equatable {
        case varint(UInt64)
        case data(ArraySlice<UInt8>)
        case fixed
    }

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next field with its number; nil at the end.
    mutating func next() -> (field: UInt64, value: Value)? {
        guard let tag = varint() else { return nil }
        switch tag & 7 {
        case 0: return varint().map { (tag >> 3, .varint($0)) }
        case 1: return take(8).map { _ in (tag >> 3, .fixed) }
        case 2: return varint().flatMap { take($0) }.map { (tag >> 3, .data($0)) }
        case 5: return take(4).map { _ in (tag >> 3, .fixed) }
        default: return nil
        }
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }

    private mutating func take(_ count: UInt64) -> ArraySlice<UInt8>? {
        guard count <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return rest.prefix(Int(count))
    }
}
