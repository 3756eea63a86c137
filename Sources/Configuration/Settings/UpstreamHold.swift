extension Settings.Upstream.Connections {
    /// How long a connection rests after an exchange before it serves another.
    public enum Hold: Sendable, Equatable {
        /// As long as a bounded number of resting connections allow.
        case auto
        case milliseconds(Int)
    }
}

extension Format where Value == Settings.Upstream.Connections.Hold {
    static let hold = scalar(
        "`auto` or duration or 0", expected: "'auto' or a duration such as 5ms or 50ms",
        parse: { text in
            text == "auto" ? .auto : Quantity.milliseconds(text).map { .milliseconds($0) }
        },
        show: { hold in
            switch hold {
            case .auto: .text("auto")
            case .milliseconds(let milliseconds): .text(Quantity.duration(milliseconds: milliseconds))
            }
        })
}
