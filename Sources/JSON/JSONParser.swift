/// Reads JSON strictly, in one pass, without recursion deeper than `depthMax`.
struct JSONParser {
    /// Arrays and objects within each other. A record of ours has four.
    static let depthMax = 64

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONFault) -> JSON {
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw fault("more after the end") }
        return value
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ reason: String) -> JSONFault { JSONFault(reason: reason, offset: position) }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) throws(JSONFault) -> JSON {
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), .some(0x30...0x39): return try number()
        case nil: throw fault("the text ends early")
        default: throw fault("no value")
        }
    }

    private mutating func word(_ text: String, _ value: JSON) throws(JSONFault) -> JSON {
        guard bytes[position...].starts(with: text.utf8) else { throw fault("no value") }
        position += text.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(JSONFault) -> JSON {
        var members: [JSON.Member] = []
        try open(depth)
        guard !closes(UInt8(ascii: "}")) else { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw fault("no key") }
            let key = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw fault("no colon after a key") }
            position += 1
            members.append(JSON.Member(key: key, value: try value(depth: depth + 1)))
            if closes(UInt8(ascii: "}")) { return .object(members) }
            try comma()
        }
    }

    private mutating func array(depth: Int) throws(JSONFault) -> JSON {
        var elements: [JSON] = []
        try open(depth)
        guard !closes(UInt8(ascii: "]")) else { return .array([]) }
        while true {
            elements.append(try value(depth: depth + 1))
            if closes(UInt8(ascii: "]")) { return .array(elements) }
            try comma()
        }
    }

    private mutating func open(_ depth: Int) throws(JSONFault) {
        guard depth < Self.depthMax else { throw fault("nested too deeply") }
        position += 1
    }

    private mutating func closes(_ bracket: UInt8) -> Bool {
        skipSpace()
        guard next == bracket else { return false }
        position += 1
        return true
    }

    private mutating func comma() throws(JSONFault) {
        guard next == UInt8(ascii: ",") else { throw fault("neither a comma nor an end") }
        position += 1
    }

    private mutating func number() throws(JSONFault) -> JSON {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        return .number(String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(JSONFault) {
        guard let first = next, (0x30...0x39).contains(first) else { throw fault("no digit") }
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
    }

    /// The text between quotes; the first of them is next.
    private mutating func string() throws(JSONFault) -> String {
        position += 1
        var text: [UInt8] = []
        while true {
            let start = position
            while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
            text += bytes[start..<position]
            switch next {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case nil: throw fault("a text without its end")
            default: throw fault("a control character in a text")
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONFault) {
        position += 1
        guard let letter = next else { throw fault("a text without its end") }
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): return unsafe text += UTF8.encode(try escapedScalar()).unsafelyUnwrapped
        default: throw fault("an unknown escape")
        }
        position += 1
    }

    /// `uXXXX`, or a pair of surrogates; half a pair is U+FFFD.
    private mutating func escapedScalar() throws(JSONFault) -> Unicode.Scalar {
        let unit = try codeUnit()
        guard (0xD800...0xDBFF).contains(unit), bytes[position...].starts(with: "\\u".utf8) else {
            return Unicode.Scalar(unit) ?? "\u{FFFD}"
        }
        let afterHigh = position
        position += 1
        let low = try codeUnit()
        guard (0xDC00...0xDFFF).contains(low) else {
            position = afterHigh
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
    }

    /// The four digits after `u`, which is next.
    private mutating func codeUnit() throws(JSONFault) -> UInt32 {
        position += 1
        guard position + 4 <= bytes.count else { throw fault("an escape without its digits") }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Self.hex(bytes[position]) else { throw fault("an escape without its digits") }
            unit = unit << 4 | digit
            position += 1
        }
        return unit
    }

    private static func hex(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte - 0x30)
        case 0x41...0x46: UInt32(byte - 0x41 + 10)
        case 0x61...0x66: UInt32(byte - 0x61 + 10)
        default: nil
        }
    }
}
