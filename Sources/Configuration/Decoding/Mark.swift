/// A position in the file: line and column from 1, the column in characters.
struct Mark: Hashable, Sendable {
    let line: Int
    let column: Int

    static let start = Mark(line: 1, column: 1)
}
