/// What a client does with TLS that it must not, or that a server has to bear, and what must come of it.
struct TLSDeed {
    enum Name: String, CaseIterable {
        // No handshake, or a part of one, and then nothing.
        case saysNothing, stopsInHello, claimsMuch, stopsBeforeFinish, stopsInFinish, dripsForLong, takesNoFlight
        // No TLS.
        case plainHTTP, otherProtocol, longFirstRecord, emptyFirstRecords, firstWarnings, fatalFirst, hugeHello
        // Handshakes that come to nothing.
        case oldVersion, otherCipher, otherProtocols, spoiltFinish, muchEarlyData
        // Behind the handshake.
        case spoiltRecord, clearRecord, unknownType, longRecord, badMessage, mixedMessage, emptyRecords, warnings, fatalAlert
        case keyUpdates, renegotiations
        // Ends, with close_notify and without.
        case closesAtOnce, closesInHead, closesInBody, cutsInHead, cutsInBody, resets
        // To be served as well as anything.
        case drips, unknownName, manyProtocols, foreignTicket, earlyData, closesBehindRequest, dataBehindClose
        case smallRecords, paddedRecords, someKeyUpdates, someEmptyRecords, someWarnings, halfMessage, asksToRenegotiate,
            takesNoAnswer
    }

    /// One thing that it does behind its handshake, or in its place.
    enum Act {
        /// In records as they should be.
        case says([UInt8])
        /// A record of that type with this content.
        case forges(UInt8, [UInt8], padding: Int = 0)
        /// One that has been changed on its way.
        case spoils([UInt8])
        case updatesKeys(asks: Bool)
        /// Bytes as they are.
        case saysBelow([UInt8])
        case waits(UInt64)
        case finishes, closes, resets, stopsReading, reads
    }

    /// How its connection ends.
    enum End {
        /// When the time for a handshake is over, and not before.
        case handshakeTime
        /// As soon as it has been read.
        case soon
        /// Some time.
        case ever
    }

    let name: Name
    /// nil: it speaks no TLS.
    var hello: TLSHello?
    var handshake = RoughHandshake.Way.smooth
    var isDeaf = false
    var acts: [Act] = []
    /// The requests in it that must be answered by their server.
    var served: [Story] = []
    /// The request in it that must reach no server as a whole.
    var broken: Story?

    /// How often it is counted as a handshake that has failed.
    var counted = 0...0
    /// One of these alerts it must be sent, where there are any, and perhaps one of the others.
    var alerts: Set<UInt8> = []
    var otherAlerts: Set<UInt8> = []
    var end = End.ever
    /// Nobody knows how much of its answers its client has been sent.
    var mayMiss = false

    init(_ name: Name) { self.name = name }
}
