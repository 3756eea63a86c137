import Facts

/// One request and its answer as their connection remembers them: what detection asks of them, and what a record is made of.
public protocol RememberedExchange {
    var answer: Answer { get }
    /// Its number on the connection, from 1.
    var ordinal: UInt32 { get }
    /// What sort of request it was: `RequestSort`.
    var sort: UInt32 { get }
}
