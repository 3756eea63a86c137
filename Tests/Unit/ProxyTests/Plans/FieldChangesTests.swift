import Testing
import Wire

@testable import Configuration
@testable import Proxy

/// What a route takes out of a header block and puts into it.
@Suite struct FieldChangesTests {
    private func made(set: [(String, String)] = [], remove: [String] = []) -> FieldChanges? {
        var changes = Settings.Route.HeaderChanges()
        changes.set = set.map { .init(name: $0.0, value: $0.1) }
        changes.remove = remove
        return FieldChanges(changes)
    }

    @Test func nothingToDoIsNothing() { #expect(made() == nil) }

    @Test(
        arguments: [
            ([], ["x-a"], ["X-A: 1", "B: 2", "x-a: 3"], ["B: 2"]), ([("X-A", "9")], [], ["x-A: 1", "B: 2"], ["B: 2"]),
            ([("A", "1")], ["B"], ["C: 1", "AB: 2", "BA: 3"], ["C: 1", "AB: 2", "BA: 3"]),
            ([], ["aa", "a"], ["Aaa: 1", "AA: 2", "A: 3"], ["Aaa: 1"]),
            ([], ["cookie"], ["Cookie: a", "Cookies: b"], ["Cookies: b"]),
            // Letters alone have two cases.
            ([], ["x^"], ["X~: 1", "X^: 2"], ["X~: 1"]), ([], [String(repeating: "n", count: 256)], ["N: 1"], ["N: 1"]),
        ] as [([(String, String)], [String], [String], [String])])
    func takenOut(_ set: [(String, String)], _ remove: [String], _ lines: [String], _ left: [String]) throws {
        let changes = try #require(made(set: set, remove: remove))
        let text = try ReadBlock.of(.answer, ["HTTP/1.1 200 OK"] + lines) { block in
            changes.drop(&block)
            return ReadBlock.written { $0.putFields(block) }
        }
        #expect(text == left.map { $0 + "\r\n" }.joined())
    }

    @Test func aNameOf256BytesIsTakenOut() throws {
        let name = String(repeating: "n", count: 256)
        let changes = try #require(made(remove: ["z", name]))
        let text = try ReadBlock.of(.answer, ["HTTP/1.1 200 OK", "\(name.uppercased()): 1", "A: 1", "Z: 1"]) { block in
            changes.drop(&block)
            return ReadBlock.written { $0.putFields(block) }
        }
        #expect(text == "A: 1\r\n")
    }

    @Test func whatWasDroppedStaysDropped() throws {
        let changes = try #require(made(remove: ["b"]))
        let text = try ReadBlock.of(.answer, ["HTTP/1.1 200 OK", "A: 1", "B: 2", "C: 3"]) { block in
            block.fields[0].isDropped = true
            changes.drop(&block)
            return ReadBlock.written { $0.putFields(block) }
        }
        #expect(text == "C: 3\r\n")
    }

    @Test func linesAreAddedInTheirOrderAndTheHostApart() throws {
        let changes = try #require(made(set: [("X-B", "2"), ("HOST", "inner"), ("X-A", "")]))
        #expect(String(decoding: changes.lines, as: UTF8.self) == "X-B: 2\r\nX-A: \r\n")
        #expect(String(decoding: changes.host, as: UTF8.self) == "inner")
    }

    /// The proxy leaves its own line out where the route says something of that name, and nowhere else.
    @Test(arguments: FieldName.allCases)
    func replaced(_ name: FieldName) throws {
        let changes = try #require(made(set: [("Via", "x"), ("X-Other", "y")], remove: ["x-forwarded-FOR", "forwarded"]))
        let expected: Set<FieldName> = [.via, .xForwardedFor, .forwarded]
        #expect(changes.replaces(name) == expected.contains(name))
        let lent: Unmanaged<FieldChanges>? = .passUnretained(changes)
        #expect(lent.replaces(name) == expected.contains(name))
    }

    @Test func withoutChangesNothingIsReplaced() throws {
        let none: Unmanaged<FieldChanges>? = nil
        #expect(FieldName.allCases.allSatisfy { !none.replaces($0) } && none.lines.isEmpty && none.host.isEmpty)
        let text = try ReadBlock.of(.answer, ["HTTP/1.1 200 OK", "A: 1"]) { block in
            none.drop(&block)
            return ReadBlock.written { $0.putFields(block) }
        }
        #expect(text == "A: 1\r\n")
    }
}
