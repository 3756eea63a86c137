extension Settings {
    /// A file that the settings name cannot be used.
    public struct UnreadableFile: Error {
        public var reason: String
    }

    /// What a file holds that the settings name, up to `max` bytes. Whatever the path leads to, nobody is kept waiting.
    public static func contents(ofFileAt path: String, max: Int) throws(UnreadableFile) -> [UInt8] {
        do throws(FileBytes.Unreadable) {
            return try FileBytes.read(path: path, max: max, mustBeRegular: true)
        } catch {
            throw UnreadableFile(reason: error.reason)
        }
    }
}
