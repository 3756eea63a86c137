/// The environment in which Node loads the probe, and the probe writes where the gate reads.
public enum Preload {
    /// `file` is the probe, `reports` where it writes. Whatever options Node had stay.
    public static func add(to environment: inout [String: String], file: String, reports: String) {
        let quoted = file.reduce(into: "") { $0 += $1 == "\"" || $1 == "\\" ? "\\\($1)" : String($1) }
        let option = "--require \"\(quoted)\""
        environment["NODE_OPTIONS"] = [environment["NODE_OPTIONS"], option].compactMap(\.self).filter { !$0.isEmpty }
            .joined(separator: " ")
        environment["SENDONCE_PROBE_FILE"] = reports
        environment["SENDONCE_PROBE_SOCKET"] = nil
        // A test is not in a hurry as a server is: both stacks of the first offence, too.
        if environment["SENDONCE_PROBE_STACKS"] == nil { environment["SENDONCE_PROBE_STACKS"] = "always" }
    }
}
