/// A step of a body: framing stays, what it frames is counted.
enum TapedBody {
    static func append(
        _ bytes: UnsafeBufferPointer<UInt8>, _ consumed: Int, _ bodyStart: Int, _ bodyCount: Int, _ policy: CapturePolicy,
        to parts: inout [TapePart]
    ) {
        guard consumed > 0 else { return }
        guard bodyCount > 0 else { return unsafe parts.append(.bytes(Mask.lines(Array(bytes.prefix(consumed))))) }
        if bodyStart > 0 { unsafe parts.append(.bytes(Mask.lines(Array(bytes.prefix(bodyStart))))) }
        unsafe append(UnsafeBufferPointer(rebasing: bytes[bodyStart..<bodyStart + bodyCount]), policy, to: &parts)
        let end = bodyStart + bodyCount
        if end < consumed { unsafe parts.append(.bytes(Mask.lines(Array(bytes[end..<consumed])))) }
    }

    private static func append(_ body: UnsafeBufferPointer<UInt8>, _ policy: CapturePolicy, to parts: inout [TapePart]) {
        if policy.keepsBodies, body.count <= policy.bytesMax / 4 { return unsafe parts.append(.bytes(Array(body))) }
        // A status line inside a body may be a second answer that its Content-Length has eaten.
        guard let place = unsafe Self.statusLine(body) else { return parts.append(.body(body.count)) }
        if place > 0 { parts.append(.body(place)) }
        let kept = min(body.count - place, CaptureLimit.embeddedBytesMax)
        unsafe parts.append(.bytes(Mask.stray(Array(body[place..<place + kept]), keepsBodies: policy.keepsBodies)))
        if place + kept < body.count { parts.append(.body(body.count - place - kept)) }
    }

    private static func statusLine(_ body: UnsafeBufferPointer<UInt8>) -> Int? {
        var index = 0
        while index + 7 <= body.count {
            guard let first = unsafe body[index...].firstIndex(of: UInt8(ascii: "H")) else { return nil }
            if unsafe body[first...].starts(with: "HTTP/1.".utf8) { return first }
            index = first + 1
        }
        return nil
    }
}
