/// How bytes pass to one side of an exchange: read and written, or moved through a pipe.
struct Passage: BitwiseCopyable {
    /// The pipe in which bytes wait for that side, -1 for none.
    var pipe: Int8 = -1
    /// What has come last was much: if as much is to come, it is worth a pipe.
    private(set) var isBroad = false

    /// So many bytes have come at once, of which `least` are worth a pipe.
    @inline(__always)
    mutating func note(_ count: Int, least: Int) { isBroad = count >= least }
}
