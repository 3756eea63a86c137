import Records
import Testing

@testable import Tail

@Suite struct TemplateTests {
    @Test(arguments: [
        ("{time} {kind} {request.path}", "2026-11-22T09:15:03.123456Z second_response /orders/7?token=[REDACTED]"),
        ("{attribution}|{status}", "-|200"), ("{{{kind}}} \\t|\\n|\\\\|\\x", "{second_response} \t|\n|\\|\\x"), ("", ""),
        ("{second_fields}", "content-type,content-length"), ("{candidates.path} {delay_ms}", "/a,/b 20.1"),
    ]) func renders(template: String, line: String) throws {
        #expect(try Template(template).line(for: Sample.record()) == line)
    }

    @Test(arguments: [
        ("{knd}", "--format: unknown field 'knd' (did you mean 'kind'?)"), ("{kind", "--format: '{' without its '}'"),
        ("kind}", "--format: '}' without its '{'; a brace is written as '}}'"), ("{}", "--format: unknown field ''"),
    ]) func faults(template: String, text: String) {
        #expect(#expect(throws: UsageFault.self) { try Template(template) }?.description == text)
    }
}
