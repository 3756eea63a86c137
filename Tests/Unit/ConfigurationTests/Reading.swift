import Testing

@testable import Configuration

/// The settings that a YAML text means; fails the test when it means none.
func decoded(
    _ yaml: String, environment: [String: String] = [:], overrides: Overrides = Overrides(),
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> Settings {
    do throws(Problems) {
        return try Settings.decode(Array(yaml.utf8), file: "a.yaml", environment: environment, overrides: overrides)
    } catch {
        Issue.record("\(error)", sourceLocation: sourceLocation)
        throw error
    }
}

/// Every problem of a YAML text as it is printed, empty when there is none.
func problems(_ yaml: String, environment: [String: String] = [:], overrides: Overrides = Overrides()) -> [String] {
    do throws(Problems) {
        _ = try Settings.decode(Array(yaml.utf8), file: "a.yaml", environment: environment, overrides: overrides)
        return []
    } catch {
        return error.all.map(\.description)
    }
}

/// An upstream for texts that are about something else.
let upstream = "upstreams: {app: {servers: [127.0.0.1:3000]}}\n"

/// The root of the package.
let packageRoot = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
