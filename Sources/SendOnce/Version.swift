/// The version, in its one place: packages, manuals, bills of materials and the probe are held against it by tests.
enum Version {
    static let text = "0.2.0"
}
