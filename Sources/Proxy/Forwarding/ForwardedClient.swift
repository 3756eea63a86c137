import Configuration
import Wire

/// Who asked, behind proxies that are trusted: the last address in X-Forwarded-For, else in Forwarded, that is none of theirs.
enum ForwardedClient {
    /// `peer` is trusted itself. What it says is believed up to the first thing that is no address.
    static func find(_ block: borrowing HeaderBlock, peer: PeerAddress, trusted: [AddressBlock]) -> PeerAddress {
        let name: FieldName = block.has(.xForwardedFor) ? .xForwardedFor : .forwarded
        guard block.has(name) else { return peer }
        var client = peer
        for i in (0..<block.count).reversed() where block.fields[i].name == name {
            var rest = block.value(block.fields[i])
            while let element = takeLast(&rest) {
                let text = name == .forwarded ? forParameter(element) : element
                guard let address = PeerAddress(text: text) else { return client }
                client = address
                guard trusted.contains(where: { address.isIn($0) }) else { return client }
            }
        }
        return client
    }

    /// Takes the last element off a list, without white space; nil when nothing is left. Empty elements are passed over.
    private static func takeLast(_ list: inout UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
        while !list.isEmpty {
            var start = list.count
            while start > 0, list[start - 1] != 0x2c { start -= 1 }
            var (first, last) = (start, list.count)
            while first < last, list[first] == 0x20 || list[first] == 0x09 { first += 1 }
            while last > first, list[last - 1] == 0x20 || list[last - 1] == 0x09 { last -= 1 }
            let element = UnsafeBufferPointer(rebasing: list[first..<last])
            list = UnsafeBufferPointer(rebasing: list[..<max(0, start - 1)])
            if !element.isEmpty { return element }
        }
        return nil
    }

    /// The value of `for=` in an element of Forwarded (RFC 7239 section 4), without quotes; empty when there is none.
    private static func forParameter(_ element: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var start = 0
        while start < element.count {
            var end = start
            while end < element.count, element[end] != 0x3b { end += 1 }
            var first = start
            while first < end, element[first] == 0x20 || element[first] == 0x09 { first += 1 }
            if end - first > 4, equalsIgnoringCase(element.baseAddress! + first, "for=", count: 4) {
                first += 4
                var last = end
                while last > first, element[last - 1] == 0x20 || element[last - 1] == 0x09 { last -= 1 }
                if last - first >= 2, element[first] == 0x22, element[last - 1] == 0x22 {
                    (first, last) = (first + 1, last - 1)
                }
                return UnsafeBufferPointer(rebasing: element[first..<last])
            }
            start = end + 1
        }
        return UnsafeBufferPointer(start: nil, count: 0)
    }
}
