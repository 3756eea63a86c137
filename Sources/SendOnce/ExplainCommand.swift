import ArgumentParser
import Explanations

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "What a kind of incident means, which code causes it in Node, and how to mend it.")

    @Argument(help: "A kind of incident, such as second_response; without it, an overview.") var kind: String?

    func run() throws {
        guard let kind else { return print(Guide.overview) }
        do throws(UnknownKind) {
            print(try Guide.text(named: kind))
        } catch {
            throw Failure.usage("\(error)")
        }
    }
}
