/// The probe, which the program carries: Sources/NodeProbe/sendonce-probe.cjs as it was when this was built.
public enum ProbeFile {
    public static let bytes: [UInt8] = PackageResources.sendonce_probe_cjs
}
