import Report

/// The marks of one connection's requests, as its server got them.
struct TakenMarks {
    private var connection: UInt64?

    /// One request's: there is one where the proxy gives some out, it names its connection, and no other request has had it.
    mutating func take(_ values: [String], of story: Story, _ world: SimulatedWorld) -> String {
        guard world.probe != nil else {
            if !values.isEmpty { world.fail("request \(story.id) has marks: \(values)") }
            return ""
        }
        guard values.count == 1, let mark = ExchangeMark(Array(values[0].utf8)), mark.salt == world.plan.salt,
            mark.connection == connection ?? mark.connection, world.marks.insert(values[0]).inserted
        else {
            world.fail("request \(story.id) has the marks \(values)")
            return ""
        }
        connection = mark.connection
        return values[0]
    }
}
