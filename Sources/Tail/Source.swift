/// Where lines come from: first those that are there already, in order, then those that come.
protocol Source: AnyObject {
    /// Readable when something has come; -1 for a source that is looked at every so often.
    var descriptor: Int32 { get }
    /// No line comes any more.
    var isEnded: Bool { get }
    /// When it wants to be looked at whatever its descriptor says, in nanoseconds of the monotonic clock; nil for no such time.
    var wakeTime: UInt64? { get }

    /// The next line that was there already; nil after the last.
    func nextPast() throws(SourceFault) -> [UInt8]?
    /// The lines that have come since.
    func advance(now: UInt64) throws(SourceFault) -> [[UInt8]]
}
