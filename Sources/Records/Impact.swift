/// What an incident did to a client, from nothing to the worst.
public enum Impact: String, CaseIterable, Comparable, Sendable {
    case none
    case badGateway = "bad_gateway"
    case aborted, misdelivered

    public static func < (left: Impact, right: Impact) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
