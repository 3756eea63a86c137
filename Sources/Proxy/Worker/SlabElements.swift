/// What a connection and an exchange take of a worker's memory before they lend any buffer: `scripts/yardstick` holds it down.
public enum SlabElements {
    public static let bytes: [(name: String, bytes: Int)] = [
        ("ClientConnection", MemoryLayout<ClientConnection>.stride),
        ("UpstreamConnection", MemoryLayout<UpstreamConnection>.stride),
        ("Exchange", MemoryLayout<Exchange>.stride),
    ]
}
