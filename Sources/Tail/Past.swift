import Records

/// How much of what is there already is wanted. A source may give more.
enum Past: Equatable {
    case none, all
    case last(Int)
    case since(Instant)
}
