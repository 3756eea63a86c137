/// A JSON text (RFC 8259), read: what the program reads of its own records, wherever they come from.
public enum JSON: Sendable, Equatable {
    public struct Member: Sendable, Equatable {
        public let key: String
        public let value: JSON

        public init(key: String, value: JSON) {
            self.key = key
            self.value = value
        }
    }

    case null
    case bool(Bool)
    /// The number as it was written: nothing is lost of it.
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])

    /// Reads a whole text. Any bytes are safe: what is no JSON, or nested deeper than `JSONParser.depthMax`, is a fault.
    public static func parse(_ bytes: some Collection<UInt8>) throws(JSONFault) -> JSON {
        var parser = JSONParser(Array(bytes))
        return try parser.document()
    }

    /// An object's first member of this name.
    public subscript(_ key: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.key == key }?.value
    }

    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    public var number: Double? {
        guard case .number(let text) = self else { return nil }
        return Double(text)
    }

    /// A whole number, written as one, that fits.
    public var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }

    public var array: [JSON]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    public var members: [Member]? {
        guard case .object(let members) = self else { return nil }
        return members
    }
}
