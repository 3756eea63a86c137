import ArgumentParser
import Explanations
import Records
import Tail

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "What a kind of incident means, which code causes it in Node, and how to mend it; or one incident as a story."
    )

    @Argument(
        help: ArgumentHelp(
            "A kind of incident, such as second_response, or an incident's id; without it, an overview.", valueName: "kind"))
    var subject: String?
    @Argument(
        help: ArgumentHelp(
            "Where to look for the incident: a log or an admin endpoint; without it incidents.jsonl, then 127.0.0.1:9180.",
            valueName: "source"))
    var source: String?
    @Option(help: ArgumentHelp("The admin endpoint that remembers the incident.", valueName: "address"))
    var admin: String?
    @Option(help: ArgumentHelp("The incident log that has it, instead.", valueName: "path")) var incidents: String?

    func run() throws {
        guard let subject else { return print(Guide.overview) }
        if IncidentLookup.isID(subject.uppercased()) { return try printStory(subject.uppercased()) }
        guard source == nil, admin == nil, incidents == nil else {
            throw Failure.usage("'\(subject)' is no incident's id that could be looked for")
        }
        do throws(UnknownKind) {
            print(try Guide.text(named: subject))
        } catch {
            throw Failure.usage("\(error)")
        }
    }

    private func printStory(_ id: String) throws {
        guard [source, admin, incidents].compactMap(\.self).count <= 1 else {
            throw Failure.usage("one place to look: a source, --admin or --incidents")
        }
        let found: (record: Record?, place: String)
        do {
            found = try find(id)
        } catch let fault as UsageFault {
            throw Failure.usage("\(fault)")
        } catch {
            throw Failure.runtime("\(error)")
        }
        guard let record = found.record else { throw Failure.runtime("\(found.place): no incident \(id)") }
        print(IncidentStory(record).text, terminator: "")
    }

    private func find(_ id: String) throws -> (record: Record?, place: String) {
        if let admin { return (try IncidentLookup.find(id, atAdmin: admin), admin) }
        if let incidents { return (try IncidentLookup.find(id, inLog: incidents), incidents) }
        if let source { return (try IncidentLookup.find(id, in: source), source) }
        let (log, endpoint) = ("incidents.jsonl", "127.0.0.1:9180")
        if let record = try? IncidentLookup.find(id, inLog: log) { return (record, log) }
        return (try IncidentLookup.find(id, atAdmin: endpoint), "\(log), \(endpoint)")
    }
}
