extension Explanation {
    /// What to do about it in one sentence that fits a line of a terminal.
    public var remedy: String {
        switch kind {
        case .secondResponse: "Answer through `res` only, once, and cancel timers when it closes."
        case .headerBlockInBody: "Once an answer has begun, nothing but its own body may follow."
        case .lateInterim: "Send interim answers before the header block, never after it."
        case .bodyAfterEnd: "Let Content-Length come from the body's bytes, not its characters."
        case .misdeliveredResponse: "Find the request that answers twice; until then reuse no connection."
        case .duplicateField: "Set the field once, in one place: `res.setHeader` replaces."
        case .conflictingFraming: "Leave Content-Length and Transfer-Encoding to Node."
        case .truncatedResponse: "Let errors after the first byte end the answer, and the process live."
        case .stalledResponse: "Write or end on every path, and give the sources time limits."
        case .hangupAfterEnd: "Look for a second send that Node swallowed: the probe names its line."
        case .malformedMessage: "Write answers through `res`, never by hand on the socket."
        case .applicationDoubleSend: "Send in one place, and write `return` with every send."
        }
    }
}
