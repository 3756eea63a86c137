import ArgumentParser
import Configuration
import Glibc
import Proxy

struct HealthcheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck", abstract: "Ask a running proxy whether it is ready; exit 0 when /readyz says so.",
        discussion: "For containers without curl. Waits at most five seconds.")

    @Option(help: ArgumentHelp("Address of its admin endpoint.", valueName: "addr")) var admin = "127.0.0.1:9180"

    func run() throws {
        let address: Address
        do throws(Address.Malformed) {
            address = try Address.parse(admin)
        } catch {
            throw Failure.usage("--admin \(admin): \(error.reason)")
        }
        let answer: ReadinessAnswer
        do throws(SystemError) {
            answer = try ReadinessAnswer(from: address)
        } catch {
            throw Failure.runtime("no answer from \(address): \(error.reason)")
        }
        guard answer.isReady else { throw Failure.runtime("not ready: \(answer.text)") }
        print("ready")
    }
}
