import Testing

@testable import Configuration

@Suite struct OverridesTests {
    private func load(_ overrides: Overrides) throws(Problems) -> Settings {
        try Settings.load(fileAt: nil, environment: [:], overrides: overrides)
    }

    @Test func flagsAlone() throws {
        let flags = Overrides(
            listen: ["127.0.0.1:0", "[::1]:0"], upstreams: ["127.0.0.1:3000", ":3001"], admin: "off", incidents: "-",
            workers: "2")
        let settings = try load(flags)
        #expect(settings.listeners.map(\.address.description) == ["127.0.0.1:0", "[::1]:0"])
        #expect(settings.upstreams.map(\.name) == ["default"])
        #expect(settings.upstreams[0].servers.map(\.address.description) == ["127.0.0.1:3000", "127.0.0.1:3001"])
        #expect(settings.routes.map(\.name) == ["default"])
        #expect(settings.routes[0].match == .prefix("/"))
        #expect(settings.admin.address == nil)
        #expect(settings.incidents.path == "-")
        #expect(settings.workers == .count(2))
    }

    @Test func flagsReplaceTheFile() throws {
        let yaml = """
            listeners: [':1', ':2']
            upstreams: {a: {servers: ['a:1']}, b: {servers: ['b:1']}}
            routes: [{upstream: a, path: /a}, {upstream: b}]
            incidents: {path: x, limit: {burst: 7}}
            """
        let settings = try decoded(
            yaml, overrides: Overrides(listen: [":3"], upstreams: ["c:1"], admin: ":9", incidents: "y"))
        #expect(settings.listeners.map(\.address.description) == [":3"])
        #expect(settings.upstreams.map(\.name) == ["default"])
        #expect(settings.routes.map(\.upstream) == ["default"])
        #expect(settings.admin.address?.description == ":9")
        #expect(settings.incidents.path == "y")
        #expect(settings.incidents.limit.burst == 7)
        #expect(try decoded("workers: 3", overrides: Overrides(upstreams: ["c:1"])).workers == .count(3))
    }

    @Test func badFlagsAreNamed() {
        let flags = Overrides(listen: ["x", ":1", ":1"], upstreams: ["a:0"], admin: "off", incidents: "", workers: "0")
        #expect(throws: Problems.self) { try load(flags) }
        do { _ = try load(flags) } catch {
            #expect(error.all.map(\.file) == ["--incidents", "--listen", "--listen", "--upstream", "--workers"])
            #expect(
                error.description.contains("--workers: expected 'auto' or a whole number from 1 to 256, found '0'\n")
                    || error.description.hasSuffix("found '0'"))
            #expect(error.description.contains("--listen: :1 is listened on twice\n"))
        }
    }

    @Test func nothingAtAll() {
        do { _ = try load(Overrides()) } catch {
            #expect(
                error.description
                    == "--upstream: at least one upstream is needed: where do the requests go? Give --upstream ADDR or --config FILE"
            )
        }
    }
}
