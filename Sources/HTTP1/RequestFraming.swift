import Wire

/// Why a request cannot be served, and the status that says so.
@frozen
public enum RequestFault: Equatable, Sendable {
    case malformed(Malformation)
    case missingHost, repeatedHost
    case lengthAndChunked, lengthUnusable, transferEncodingUnusable, transferEncodingInHTTP10

    /// In words, for the client.
    public var text: String {
        switch self {
        case .malformed(let fault): fault.text
        case .missingHost: "no Host field"
        case .repeatedHost: "more than one Host field"
        case .lengthAndChunked: "Content-Length with Transfer-Encoding"
        case .lengthUnusable: "unusable Content-Length"
        case .transferEncodingUnusable: "unknown transfer coding"
        case .transferEncodingInHTTP10: "Transfer-Encoding in HTTP/1.0"
        }
    }

    /// RFC 9110 section 15.5; 431 is RFC 6585, 505 an unknown major version.
    public var status: Int {
        switch self {
        case .malformed(.headerTooLarge), .malformed(.tooManyFields): 431
        case .malformed(.version): 505
        case .transferEncodingUnusable: 501
        default: 400
        }
    }
}

/// The framing of request bodies (RFC 9112 section 6.3), judged strictly: whoever guesses here lets requests be smuggled.
public enum RequestFraming {
    /// How the request's body ends, or why that is unknown.
    public static func decide(_ block: borrowing HeaderBlock) -> Result<BodyDecoder, RequestFault> {
        let facts = block.facts
        if block.version == .http11, !block.has(.host) { return .failure(.missingHost) }
        if block.duplicates & (1 << UInt32(FieldName.host.rawValue)) != 0 { return .failure(.repeatedHost) }
        // Also where the field names no coding: not every reader takes that for nothing.
        if block.has(.transferEncoding) {
            if block.version == .http10 { return .failure(.transferEncodingInHTTP10) }
            if block.has(.contentLength) { return .failure(.lengthAndChunked) }
            if !facts.contains(.chunked) || !facts.isDisjoint(with: [.otherCoding, .identityCoding, .chunkedRepeated]) {
                return .failure(.transferEncodingUnusable)
            }
            return .success(BodyDecoder(.chunked))
        }
        if !facts.isDisjoint(with: [.contentLengthDiffers, .contentLengthInvalid, .contentLengthRepeated]) {
            return .failure(.lengthUnusable)
        }
        return .success(facts.contains(.contentLength) ? BodyDecoder(.length, length: block.contentLength) : BodyDecoder(.none))
    }
}

extension RequestFault: Error {}
