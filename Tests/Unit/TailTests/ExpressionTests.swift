import Records
import Testing

@testable import Tail

@Suite struct ExpressionTests {
    @Test(arguments: [
        ("kind = second_response", true), ("kind == 'second_response'", true), ("kind != second_response", false),
        ("kind=late_interim", false), ("delay_ms > 10", true), ("evidence.delay_ms>=20.1", true), ("delay_ms < 20ms", false),
        ("delay_ms <= 1s", true), ("surplus_bytes < 1KiB", true), ("status = 200 and second_status=500", true),
        ("status = 201 or second_status = 500", true), ("status = 201 && second_status = 500", false),
        ("status = 201 || not kind = late_interim", true), ("! (status = 200)", false), ("!(status = 201)", true),
        // `and` binds closer than `or`.
        ("status = 200 or status = 201 and status = 202", true), ("(status = 200 or status = 201) and status = 202", false),
        ("path ~ ^/orders/\\d+", true), ("path ~ '^/orders/[a-z]'", false), ("path !~ '^/orders'", false),
        ("path ~ \"(?i)TOKEN\"", true),
        ("path contains /orders", true), ("path ~= orders", true), ("path contains 'nothing of it'", false),
        ("kind in (late_interim, second_response)", true), ("kind not in (late_interim)", true), ("status in (1,2,3)", false),
        ("group", true), ("attribution", false), ("not attribution", true), ("attribution = certain", false),
        ("attribution != certain", true), ("application.code = X or kind = second_response", true),
        ("second_fields = content-length", true), ("second_fields contains content-t", true), ("candidates.path = /b", true),
        ("time > 2026-11-22T09:00 and time < '2026-11-22 10:00'", true), ("time > 2026-11-22T10:15:03+01:00", true),
        ("method = GET AND NOT host = other.example", true), ("path = /orders/7?token=[REDACTED]", true),
        ("upstream = legacy-shop and server ~ :3000$ and client ~ ^10\\.", true), ("suppressed > 1", true), ("victim", false),
    ]) func admits(text: String, admits: Bool) throws {
        #expect(try Expression(text).admits(Sample.record()) == admits)
    }

    @Test(arguments: [
        ("", "expected a field", "^", 0), ("kind =", "expected a value", "^", 6),
        ("knd = x", "unknown field 'knd' (did you mean 'kind'?)", "^~~", 0),
        ("kind = second_respons", "'second_respons' is no kind (did you mean 'second_response'?)", "^~~~~~~~~~~~~~", 7),
        (
            "phase = nowhere", "'nowhere' is no evidence.phase: one of in_head, in_body, after_end, idle, next_exchange",
            "^~~~~~~", 8
        ),
        ("kind > x", "'kind' is text: '>' compares numbers and times", "^~~~", 0),
        ("status = ok", "'ok' is no number", "^~", 9),
        ("delay_ms > soon", "'soon' is neither a number of milliseconds nor a duration such as 2s", "^~~~", 11),
        ("time > noon", "'noon' is no time such as 2026-11-22T09:15:03Z", "^~~~", 7),
        ("status = 200 status = 201", "expected 'and', 'or' or the end", "^~~~~~", 13),
        ("(status = 200", "expected ')'", "^", 13),
        ("status = 200)", "expected 'and', 'or' or the end", "^", 12), ("status in 200", "expected '(' and values", "^~~", 10),
        ("status in (200", "expected ',' or ')'", "^", 14), ("path = 'x", "a quote without its end", "^~", 7),
        ("path ~ (", "expected a value", "^", 7), ("status = 200 and", "expected a field", "^", 16),
        ("= 1", "expected a field", "^", 0),
    ]) func faults(text: String, reason: String, carets: String, offset: Int) {
        let fault = #expect(throws: ExpressionFault.self) { try Expression(text) }
        #expect(fault?.reason == reason)
        #expect(fault?.description == "\(reason)\n  \(text)\n  \(String(repeating: " ", count: offset))\(carets)")
    }

    @Test func aBadRegularExpressionIsShown() {
        let fault = #expect(throws: ExpressionFault.self) { try Expression("path ~ '[a'") }
        #expect(fault?.reason.hasPrefix("not a regular expression: ") == true && fault?.offset == 7)
    }

    @Test func depthIsBounded() {
        let fault = #expect(throws: ExpressionFault.self) { try Expression(String(repeating: "(", count: 100_000)) }
        #expect(fault?.reason == "nested too deeply")
        #expect(throws: ExpressionFault.self) { try Expression(String(repeating: "not ", count: 100_000) + "kind") }
    }

    /// No text ends the program.
    @Test func anyTextIsSafe() {
        let pieces = [
            "kind", "=", "!", "(", ")", "'", "\"", "\\", "in", "not", "~", "[", ",", " ", "\u{1B}", "é", "and", ">", "9", "|",
        ]
        var state: UInt64 = 42
        for _ in 0..<3000 {
            var text = ""
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            do { _ = try Expression(text).admits(Sample.record()) } catch { _ = error.description }
        }
    }
}
