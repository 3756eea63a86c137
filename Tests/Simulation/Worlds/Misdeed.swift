import Detector
import Report

/// What a client of HTTP/1 does that it must not, or that a server has to bear, and what must come of it.
struct Misdeed {
    enum Name: String, CaseIterable {
        // Header blocks that say two things, or none.
        case lengthAndChunked, lengthsDiffer, lengthTwice, lengthNoNumber, unknownCoding, notChunkedLast, chunkedTwice,
            chunkedInHTTP10
        case foldedLine, bareLineFeed, bareReturn, spaceBeforeColon, badName, controlInValue, hostTwice, hostMissing
        case badStartLine, badTarget, badVersion
        // Too much, or not served.
        case largeField, manyFields, longTarget, endlessFields, connect
        // Something else than HTTP/1.
        case hello, preface, garbage
        // Bodies.
        case badChunkSize, badChunkEnd, badTrailer, longExtensions, manyTrailers, stalledBody
        case drippedHead, stalledHead
        // Gone.
        case leavesInHead, leavesInBody, leavesInAnswer, leavesTunnel, deafness
        // To be served as well as anything.
        case pipelined, extensions, drippedBody, behindClose, halfClose
    }

    enum Leaving { case stays, finishes, closes, resets }

    let name: Name
    /// What is sent, behind requests that are as they should be.
    var pieces: [Piece] = []
    /// The requests in it that must be answered by their server.
    var served: [Story] = []
    /// The request in it that must reach no server as a whole.
    var broken: Story?
    /// The statuses that it may be answered with, and what each is counted under; none: it is not answered by the proxy.
    var answers: [Int: RejectReason] = [:]
    /// What is recorded of it, once; none: nothing is.
    var kinds: Set<Kind> = []
    var leaving = Leaving.stays
    var isDeaf = false

    /// Nobody knows how much of its answers its client has been sent.
    var mayMiss: Bool { isDeaf || leaving == .closes || leaving == .resets }

    init(_ name: Name) { self.name = name }
}
