/// What lies between a peer and its socket, and makes other bytes of those that pass, as TLS does.
public protocol PeerLayer: AnyObject {
    /// The connection is there.
    func begin() -> PeerLayerStep
    /// Bytes have come from the socket.
    func receive(_ bytes: [UInt8]) -> PeerLayerStep
    /// What is sent in place of the peer's bytes.
    func wrap(_ bytes: [UInt8]) -> [UInt8]
    /// The peer ends its side, perhaps once more: what is sent before that.
    func end() -> [UInt8]
}

/// What a layer has made of what has happened.
public struct PeerLayerStep {
    public enum Leaving {
        /// The other side has said that it sends no more.
        case ended
        /// What comes cannot be read.
        case failed
        /// The peer is to end its side, or to reset the connection.
        case finishes, resets
    }

    /// To be sent.
    public var output: [UInt8] = []
    /// For the peer.
    public var bytes: [UInt8] = []
    /// The peer may speak from here on.
    public var hasOpened = false
    public var leaving: Leaving?

    public init() {}
}
