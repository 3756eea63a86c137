/// Takes a condition apart as its parser asks for it: a word, a sign or a value.
struct ExpressionScanner {
    struct Token {
        let text: String
        let offset: Int
        let length: Int
    }

    private let text: String
    private let characters: [Character]
    private var position = 0

    init(_ text: String) {
        self.text = text
        characters = Array(text)
    }

    func fault(_ reason: String, at token: Token) -> ExpressionFault {
        ExpressionFault(reason: reason, text: text, offset: token.offset, length: token.length)
    }

    /// A fault at what comes next, or at the end.
    mutating func faultHere(_ reason: String) -> ExpressionFault {
        fault(reason, at: peek() ?? Token(text: "", offset: characters.count, length: 1))
    }

    /// What comes next, whatever it is; nil at the end.
    mutating func peek() -> Token? {
        skipSpace()
        guard position < characters.count else { return nil }
        let end = characters[position...].firstIndex { $0.isWhitespace || "()".contains($0) } ?? characters.count
        return token(position, max(end, position + 1))
    }

    /// A field's name, or a keyword.
    mutating func word() -> Token? {
        skipSpace()
        let end = characters[position...].firstIndex { !Self.isWordCharacter($0) } ?? characters.count
        guard end > position else { return nil }
        defer { position = end }
        return token(position, end)
    }

    /// Takes a keyword, in whatever case.
    mutating func takeWord(_ keyword: String) -> Bool {
        let before = position
        if word()?.text.lowercased() == keyword { return true }
        position = before
        return false
    }

    mutating func take(_ sign: String) -> Bool {
        skipSpace()
        guard characters[position...].starts(with: sign) else { return false }
        // `!=` is no `!`.
        if sign == "!", position + 1 < characters.count, "=~".contains(characters[position + 1]) { return false }
        position += sign.count
        return true
    }

    /// A value: quoted, or everything up to a space, a comma or a parenthesis.
    mutating func value() throws(ExpressionFault) -> Token {
        skipSpace()
        guard position < characters.count else { throw faultHere("expected a value") }
        let start = position
        let quote = characters[position]
        if quote == "'" || quote == "\"" { return try quoted(quote, from: start) }
        let end = characters[position...].firstIndex { $0.isWhitespace || "(),".contains($0) } ?? characters.count
        guard end > start else { throw faultHere("expected a value") }
        position = end
        return token(start, end)
    }

    /// A backslash takes a quote's meaning; before anything else it stands for itself, as regular expressions want it.
    private mutating func quoted(_ quote: Character, from start: Int) throws(ExpressionFault) -> Token {
        var text = ""
        position += 1
        while position < characters.count, characters[position] != quote {
            if characters[position] == "\\", position + 1 < characters.count, characters[position + 1] == quote {
                position += 1
            }
            text.append(characters[position])
            position += 1
        }
        guard position < characters.count else { throw fault("a quote without its end", at: token(start, characters.count)) }
        position += 1
        return Token(text: text, offset: start, length: position - start)
    }

    private func token(_ start: Int, _ end: Int) -> Token {
        Token(text: String(characters[start..<end]), offset: start, length: end - start)
    }

    private mutating func skipSpace() {
        while position < characters.count, characters[position].isWhitespace { position += 1 }
    }

    private static func isWordCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber) || character == "_" || character == "."
            || character == "-"
    }
}
