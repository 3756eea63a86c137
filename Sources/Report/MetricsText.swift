/// Lines of an exposition. Both formats share the form of a sample and its escaping.
struct MetricsText {
    private(set) var bytes: [UInt8] = []

    mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        newline()
    }

    mutating func newline() { bytes.append(UInt8(ascii: "\n")) }

    /// A sample without the end of its line, since an exemplar may follow.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        bytes.append(contentsOf: name.utf8)
        if !labels.isEmpty { labelSet(labels) }
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: value.utf8)
    }

    mutating func exemplar(_ exemplar: Exemplar) {
        bytes.append(contentsOf: " # ".utf8)
        labelSet([("trace_id", exemplar.traceID)])
        bytes.append(contentsOf: " 1 ".utf8)
        bytes.append(contentsOf: Self.seconds(nanoseconds: exemplar.timeNanoseconds).utf8)
    }

    /// Seconds as an exact decimal.
    static func seconds(nanoseconds: UInt64) -> String {
        let whole = String(nanoseconds / 1_000_000_000)
        guard nanoseconds % 1_000_000_000 > 0 else { return whole }
        var fraction = Array(WallTime.padded(Int(nanoseconds % 1_000_000_000), 9).utf8)
        while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        return whole + "." + String(decoding: fraction, as: UTF8.self)
    }

    private mutating func labelSet(_ labels: [(String, String)]) {
        bytes.append(UInt8(ascii: "{"))
        for (number, (name, value)) in labels.enumerated() {
            if number > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: "=\"".utf8)
            for byte in value.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): bytes.append(contentsOf: "\\\\".utf8)
                case UInt8(ascii: "\""): bytes.append(contentsOf: "\\\"".utf8)
                case UInt8(ascii: "\n"): bytes.append(contentsOf: "\\n".utf8)
                default: bytes.append(byte)
                }
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
    }
}
