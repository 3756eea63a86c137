/// Finds what somebody probably meant to write.
public enum Spelling {
    /// Longer words are not compared: they are no slips of a finger.
    static let wordMax = 64

    /// ` (did you mean 'listeners'?)`, or an empty text when no name is near.
    public static func hint(for word: String, among names: [String]) -> String {
        nearest(to: word, among: names).map { " (did you mean '\($0)'?)" } ?? ""
    }

    /// The name with the fewest edits from the word, among those near enough; the first of equals.
    static func nearest(to word: String, among names: [String]) -> String? {
        let letters = normal(word)
        guard !letters.isEmpty, letters.count <= wordMax else { return nil }
        let threshold = max(1, (letters.count + 1) / 3)
        var best: (name: String, edits: Int)?
        for name in names where name.utf8.count <= wordMax {
            let edits = edits(from: letters, to: normal(name))
            if edits <= threshold, edits < best?.edits ?? .max { best = (name, edits) }
        }
        return best?.name
    }

    /// Case and the kind of dash are no edits.
    private static func normal(_ word: String) -> [UInt8] {
        word.utf8.map { byte in
            switch byte {
            case 0x41...0x5A: byte + 0x20
            case 0x2D: 0x5F
            default: byte
            }
        }
    }

    /// Insertions, deletions, replacements and swaps of neighbours; a name that was cut short (`listen` for `listeners`)
    /// costs one for all of its missing end.
    private static func edits(from word: [UInt8], to name: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...name.count)
        for (row, letter) in word.enumerated() {
            var current = [row + 1]
            for (column, other) in name.enumerated() {
                var cost = min(
                    previous[column + 1] + 1, current[column] + 1, previous[column] + (letter == other ? 0 : 1))
                if row > 0, column > 0, letter == name[column - 1], word[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        // Two letters could be cut from anything.
        guard word.count >= 3, let prefix = previous.dropFirst(3).min() else { return previous[name.count] }
        return min(previous[name.count], prefix + 1)
    }
}
