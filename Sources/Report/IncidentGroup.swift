import Wire

/// The group that a record belongs to: one group is one bug to mend. Stable over restarts, versions and machines.
///
/// Eight digits of base 32: FNV-1a with 64 bits over kind, route, method, template and second status, with a zero byte between,
/// its upper 24 bits folded onto the lower 40. The probe has the same.
public enum IncidentGroup {
    private static let digits = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    public static func of(kind: String, route: String, method: String, template: String, secondStatus: Int) -> String {
        let hash = FNV1a([kind, route, method, template, String(secondStatus)].joined(separator: "\0").utf8).value
        var value = (hash ^ (hash >> 40)) & 0xff_ffff_ffff
        var text = [UInt8](repeating: 0, count: 8)
        for place in stride(from: 7, through: 0, by: -1) {
            text[place] = digits[Int(value & 31)]
            value >>= 5
        }
        return String(decoding: text, as: UTF8.self)
    }
}
