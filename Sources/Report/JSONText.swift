/// Writes JSON into bytes. Absent values (nil) are absent keys; any text comes out valid and on one line.
public struct JSONText: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// An object as the whole document or as an element of an array.
    public mutating func object(_ fill: (inout JSONText) -> Void) {
        separate()
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), fill)
    }

    public mutating func object(_ key: String, _ fill: (inout JSONText) -> Void) {
        self.key(key)
        enclose(UInt8(ascii: "{"), UInt8(ascii: "}"), fill)
    }

    /// An array of objects, one for each element.
    public mutating func objects<Element>(_ key: String, _ elements: [Element], _ fill: (inout JSONText, Element) -> Void) {
        array(key) { json in
            for element in elements { json.object { fill(&$0, element) } }
        }
    }

    public mutating func array(_ key: String, _ fill: (inout JSONText) -> Void) {
        self.key(key)
        enclose(UInt8(ascii: "["), UInt8(ascii: "]"), fill)
    }

    public mutating func string(_ key: String, _ value: String?) {
        guard let value else { return }
        self.key(key)
        quoted(value)
    }

    /// An array of strings.
    public mutating func strings(_ key: String, _ values: [String]?) {
        guard let values else { return }
        array(key) { json in
            for value in values {
                json.separate()
                json.quoted(value)
            }
        }
    }

    /// An array of numbers, as JSON writes them.
    public mutating func numbers(_ key: String, _ values: [String]) {
        array(key) { json in
            for value in values {
                json.separate()
                json.bytes.append(contentsOf: value.utf8)
            }
        }
    }

    public mutating func number(_ key: String, _ value: UInt64?) {
        guard let value else { return }
        self.key(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    public mutating func number(_ key: String, _ value: Int?) {
        guard let value else { return }
        self.key(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    /// A fraction to the third decimal, without an exponent; not finite ones are absent, JSON has no word for them.
    public mutating func number(_ key: String, _ value: Double?) {
        guard let value, value.isFinite, abs(value) < 1e15 else { return }
        self.key(key)
        let thousandths = UInt64((abs(value) * 1000).rounded())
        if value < 0, thousandths > 0 { bytes.append(UInt8(ascii: "-")) }
        bytes.append(contentsOf: String(thousandths / 1000).utf8)
        guard thousandths % 1000 > 0 else { return }
        var fraction = Array(WallTime.padded(Int(thousandths % 1000), 3).utf8)
        while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        bytes.append(UInt8(ascii: "."))
        bytes.append(contentsOf: fraction)
    }

    public mutating func bool(_ key: String, _ value: Bool?) {
        guard let value else { return }
        self.key(key)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    private mutating func key(_ key: String) {
        separate()
        quoted(key)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): break
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    private mutating func enclose(_ open: UInt8, _ close: UInt8, _ fill: (inout JSONText) -> Void) {
        bytes.append(open)
        fill(&self)
        bytes.append(close)
    }

    private mutating func quoted(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C:
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(UInt8(scalar.value))
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            // DEL and the C1 controls too: a terminal obeys them.
            case 0..<0x20, 0x7F..<0xA0:
                let hex = Array("0123456789abcdef".utf8)
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(hex[Int(scalar.value >> 4)])
                bytes.append(hex[Int(scalar.value & 15)])
            default: unsafe bytes.append(contentsOf: UTF8.encode(scalar).unsafelyUnwrapped)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
