import JSON

/// What a collector's answer means for the records that were sent (OTLP, *OTLP/HTTP Response*).
enum OTLPAnswer: Equatable {
    /// Taken, but for so many that it will never take.
    case taken(rejected: Int, message: String)
    /// Not now: again, not before so many milliseconds.
    case again(afterMilliseconds: Int, reason: String)
    /// Never.
    case refused(reason: String)

    static func read(status: Int, retryAfterSeconds: Int, body: [UInt8], error: String, encoding: OTLPSettings.Encoding)
        -> Self
    {
        switch status {
        case 0: return .again(afterMilliseconds: 0, reason: error)
        case 200..<300:
            let partial = encoding == .json ? partial(json: body) : partial(protobuf: body)
            return .taken(rejected: max(0, partial.rejected), message: partial.message)
        case 429, 502, 503, 504:
            return .again(afterMilliseconds: min(max(0, retryAfterSeconds), 3600) * 1000, reason: "status \(status)")
        default: return .refused(reason: "status \(status)")
        }
    }

    private static func partial(json body: [UInt8]) -> (rejected: Int, message: String) {
        let partial = (try? JSON.parse(body))?["partialSuccess"]
        // 64-bit integers are strings in OTLP's JSON; some collectors write them as numbers.
        let rejected = partial?["rejectedLogRecords"].flatMap { $0.integer ?? $0.string.flatMap { Int($0) } }
        return (rejected ?? 0, partial?["errorMessage"]?.string ?? "")
    }

    private static func partial(protobuf body: [UInt8]) -> (rejected: Int, message: String) {
        var found = (rejected: 0, message: "")
        var response = ProtobufReader(body[...])
        while let (field, value) = response.next() {
            guard field == 1, case .data(let bytes) = value else { continue }
            var partial = ProtobufReader(bytes)
            while let member = partial.next() {
                switch member {
                case (1, .varint(let count)): found.rejected = Int(clamping: Int64(bitPattern: count))
                case (2, .data(let text)): found.message = String(decoding: text, as: UTF8.self)
                default: break
                }
            }
        }
        return found
    }
}
