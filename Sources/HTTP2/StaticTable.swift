/// Names of HPACK's static table (RFC 7541 appendix A) that header blocks from HTTP/1 may have.
enum StaticTable {
    static let authority: UInt8 = 1
    static let methodGet: UInt8 = 2
    static let methodPost: UInt8 = 3
    static let pathRoot: UInt8 = 4
    static let schemeHTTP: UInt8 = 6
    static let schemeHTTPS: UInt8 = 7
    static let status200: UInt8 = 8

    /// The index of a lower-case name; 0: it has none. Distinguished by length first.
    @inline(__always)
    static func index(_ name: UnsafePointer<UInt8>, _ count: Int) -> UInt8 {
        @inline(__always) func pick(_ a: StaticString, _ index: UInt8) -> UInt8 { unsafe spells(name, a) ? index : 0 }
        @inline(__always) func pick(_ a: StaticString, _ i: UInt8, _ b: StaticString, _ j: UInt8) -> UInt8 {
            unsafe spells(name, a) ? i : spells(name, b) ? j : 0
        }
        switch count {
        case 3: return pick("via", 60, "age", 21)
        case 4:
            switch unsafe name[0] {
            case 0x64: return pick("date", 33)
            case 0x65: return pick("etag", 34)
            case 0x76: return pick("vary", 59)
            case 0x6c: return pick("link", 45)
            default: return pick("from", 37)
            }
        case 5: return pick("range", 50, "allow", 22)
        case 6:
            switch unsafe name[0] {
            case 0x73: return pick("server", 54)
            case 0x63: return pick("cookie", 32)
            case 0x61: return pick("accept", 19)
            default: return pick("expect", 35)
            }
        case 7:
            switch unsafe name[0] {
            case 0x65: return pick("expires", 36)
            default: return pick("referer", 51, "refresh", 52)
            }
        case 8: return pick("location", 46, "if-match", 39) | pick("if-range", 42)
        case 10: return pick("set-cookie", 55, "user-agent", 58)
        case 11: return pick("retry-after", 53)
        case 12: return pick("content-type", 31, "max-forwards", 47)
        case 13:
            switch unsafe name[0] {
            case 0x61: return pick("accept-ranges", 18, "authorization", 23)
            case 0x63: return pick("cache-control", 24, "content-range", 30)
            case 0x6c: return pick("last-modified", 44)
            default: return pick("if-none-match", 41)
            }
        case 14: return pick("content-length", 28, "accept-charset", 15)
        case 15: return pick("accept-encoding", 16, "accept-language", 17)
        case 16:
            return pick("content-encoding", 26, "content-language", 27) | pick("content-location", 29, "www-authenticate", 61)
        case 17: return pick("if-modified-since", 40)
        case 18: return pick("proxy-authenticate", 48)
        case 19:
            switch unsafe name[0] {
            case 0x63: return pick("content-disposition", 25)
            case 0x69: return pick("if-unmodified-since", 43)
            default: return pick("proxy-authorization", 49)
            }
        case 25: return pick("strict-transport-security", 56)
        case 27: return pick("access-control-allow-origin", 20)
        default: return 0
        }
    }

    @inline(__always)
    private static func spells(_ name: UnsafePointer<UInt8>, _ text: StaticString) -> Bool {
        for i in 0..<text.utf8CodeUnitCount where unsafe name[i] != text.utf8Start[i] { return false }
        return true
    }
}
