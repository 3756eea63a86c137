extension Format where Value == Address {
    /// Where to listen; port 0 lets the kernel choose, an empty host means every local address.
    static let listening = address { $0 }

    /// A server to connect to. `:3000` means this machine; port 0 cannot be connected to.
    static let server = address { (address) throws(Address.Malformed) in
        guard case .tcp(let host, let port) = address else { return address }
        if port == 0 { throw Address.Malformed(reason: "port 0 can only be listened on") }
        return .tcp(host: host.isEmpty ? "127.0.0.1" : host, port: port)
    }

    private static func address(
        _ admit: @escaping @Sendable (Address) throws(Address.Malformed) -> Address
    ) -> Format {
        Format(
            type: "address",
            read: { node, decoder in
                let expected = "an address such as 127.0.0.1:8080, [::1]:8080, :8080 or unix:/path"
                guard case .scalar(let scalar) = node.content, !node.isNull else {
                    decoder.fail(expected: expected, found: node)
                    return nil
                }
                do throws(Address.Malformed) {
                    return try admit(try Address.parse(scalar.text))
                } catch {
                    let meant = Intent.address(scalar.text).flatMap { text in
                        (try? Address.parse(text)).flatMap { try? admit($0) } == nil || text == scalar.text ? nil : text
                    }
                    let reason = scalar.isSecret ? "" : ": \(error.reason)\(Intent.hint(meant))"
                    decoder.fail("expected \(expected), found \(node.description)\(reason)", at: node.mark)
                    return nil
                }
            }, show: { .text($0.description) })
    }
}

extension Format where Value == Address? {
    /// Where to listen, or `off` (or `null`) for nowhere.
    static let listeningOrOff = Format(
        type: "address or `off`",
        read: { node, decoder in
            if node.isNull { return .some(nil) }
            if case .scalar(let scalar) = node.content, scalar.text == "off" { return .some(nil) }
            return Format<Address>.listening.read(node, &decoder).map { .some($0) }
        }, show: { .text($0?.description ?? "off") })
}

extension Format where Value == AddressBlock {
    static let network = scalar(
        "network", expected: "an IP address, a network such as 10.0.0.0/8, or unix", parse: { AddressBlock($0) },
        show: { .text($0.description) })
}
