/// The probe, which the program carries: Sources/NodeProbe/probe.js as it was when this was built.
public enum ProbeFile {
    public static let bytes: [UInt8] = PackageResources.probe_js
}
