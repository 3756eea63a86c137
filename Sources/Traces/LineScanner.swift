/// Walks over one line of a trace.
struct LineScanner {
    private let line: ArraySlice<UInt8>
    private let number: Int
    private var position: Int

    init(_ line: ArraySlice<UInt8>, number: Int) {
        self.line = line
        self.number = number
        position = line.startIndex
    }

    func error(_ message: String) -> TraceError { TraceError(line: number, message: message) }

    func peek() -> UInt8? { position < line.endIndex ? line[position] : nil }

    mutating func next() -> UInt8? {
        guard let byte = peek() else { return nil }
        position += 1
        return byte
    }

    mutating func skipSpaces() {
        while peek() == Byte.space { position += 1 }
    }

    /// Passes over a word when it stands here.
    mutating func skip(_ word: String) -> Bool {
        guard line[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    /// What is left, without the space in front of it.
    mutating func rest() throws(TraceError) -> String {
        _ = skip(" ")
        guard let text = String(validating: line[position...], as: UTF8.self) else { throw error("not UTF-8") }
        position = line.endIndex
        return text
    }

    /// `+12.3ms`: up to three decimals.
    mutating func microseconds() throws(TraceError) -> UInt64 {
        guard next() == Byte.plus, let milliseconds = number(max: 1_000_000_000) else { throw error("a time is +12.3ms") }
        var microseconds = UInt64(milliseconds) * 1000
        if skip(".") {
            var unit: UInt64 = 100
            while let digit = peek(), digit >= Byte.zero, digit <= Byte.nine {
                guard unit > 0 else { throw error("a time has at most three decimals") }
                microseconds += UInt64(digit - Byte.zero) * unit
                unit /= 10
                position += 1
            }
            if unit == 100 { throw error("a time is +12.3ms") }
        }
        guard skip("ms") else { throw error("a time is +12.3ms") }
        return microseconds
    }

    /// Strings up to the end of the line, each perhaps followed by `* N`.
    mutating func strings(budget: inout Int) throws(TraceError) -> [UInt8] {
        var bytes: [UInt8] = []
        while peek() != nil {
            let string = try string()
            skipSpaces()
            var count = 1
            if skip("*") {
                skipSpaces()
                guard let times = number(max: Trace.pieceBytesMax) else { throw error("after * comes how often") }
                count = times
                skipSpaces()
            }
            let (total, isOverflow) = string.count.multipliedReportingOverflow(by: count)
            guard !isOverflow, total <= budget else { throw error("more than \(Trace.pieceBytesMax) bytes") }
            budget -= total
            for _ in 0..<(string.isEmpty ? 0 : count) { bytes += string }
        }
        return bytes
    }

    private mutating func string() throws(TraceError) -> [UInt8] {
        guard next() == Byte.quote else { throw error("bytes stand in quotes") }
        var bytes: [UInt8] = []
        while let byte = next() {
            switch byte {
            case Byte.quote: return bytes
            case Byte.backslash: bytes.append(try escaped())
            default: bytes.append(byte)
            }
        }
        throw error("a closing quote is missing")
    }

    private mutating func escaped() throws(TraceError) -> UInt8 {
        switch next() {
        case UInt8(ascii: "r"): return Byte.carriageReturn
        case UInt8(ascii: "n"): return Byte.lineFeed
        case UInt8(ascii: "t"): return Byte.tab
        case Byte.quote: return Byte.quote
        case Byte.backslash: return Byte.backslash
        case UInt8(ascii: "x"):
            guard let high = next().flatMap(Byte.hexadecimalValue), let low = next().flatMap(Byte.hexadecimalValue) else {
                throw error("\\x needs two hexadecimal digits")
            }
            return high << 4 | low
        default: throw error("escapes are \\r \\n \\t \\\" \\\\ and \\xNN")
        }
    }

    /// Digits in pairs up to the end of the line.
    mutating func hexadecimal(budget: inout Int) throws(TraceError) -> [UInt8] {
        var bytes: [UInt8] = []
        while let first = next() {
            guard let high = Byte.hexadecimalValue(first), let low = next().flatMap(Byte.hexadecimalValue) else {
                throw error("raw bytes are pairs of hexadecimal digits")
            }
            bytes.append(high << 4 | low)
        }
        guard bytes.count <= budget else { throw error("more than \(Trace.pieceBytesMax) bytes") }
        budget -= bytes.count
        return bytes
    }

    /// Decimal digits; nil without one or above `max`.
    private mutating func number(max: Int) -> Int? {
        var value: Int?
        while let digit = peek(), digit >= Byte.zero, digit <= Byte.nine {
            let next = (value ?? 0) * 10 + Int(digit - Byte.zero)
            guard next <= max else { return nil }
            value = next
            position += 1
        }
        return value
    }
}
