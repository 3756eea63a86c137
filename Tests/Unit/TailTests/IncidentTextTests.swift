import Records
import Testing

@testable import Tail

@Suite struct IncidentTextTests {
    private let plain = Style(hasColour: false, hasUnicode: true, width: nil)

    private func lines(_ record: Record, _ style: Style) -> [String] {
        var text = IncidentText()
        return text.lines(of: record, style)
    }

    @Test func twoLinesAndTheRemedyOnce() {
        var text = IncidentText()
        #expect(
            text.lines(of: Sample.record(), plain) == [
                "✖ 2026-11-22 09:15:03 second_response proven  HTTP/1.1 500 Internal Server Error, 85 bytes, 20.1 ms after the end",
                "  GET /orders/7?token=[REDACTED] · 200 · shop · legacy-shop 127.0.0.1:3000 · client 10.0.0.9:51234 unharmed · 2 more held back",
                "    Answer through `res` only, once, and cancel timers when it closes.",
                "    sendonce explain second_response",
            ])
        #expect(text.lines(of: Sample.record(), plain).count == 2)
        #expect(text.lines(of: Sample.small(kind: "late_interim"), plain).count == 4)
        #expect(text.lines(of: Sample.small(kind: "a_kind_to_come"), plain).count == 2)
    }

    @Test(arguments: 1...140) func neverWiderThanTheTerminal(width: Int) {
        for hasUnicode in [true, false] {
            let style = Style(hasColour: false, hasUnicode: hasUnicode, width: width)
            for line in lines(Sample.record(), style) { #expect(TextWidth.of(line) <= width) }
            #expect(lines(Sample.record(), style).joined().unicodeScalars.allSatisfy { hasUnicode || $0.isASCII })
        }
    }

    @Test func whatMattersLeastGoesFirst() {
        let second = { (width: Int) in lines(Sample.record(), Style(hasColour: false, hasUnicode: true, width: width))[1] }
        #expect(
            second(112)
                == "  GET /orders/7?token=[REDACTED] · 200 · shop · legacy-shop 127.0.0.1:3000 · client unharmed · 2 more held back"
        )
        #expect(second(80).hasPrefix("  GET /orders/…") && second(80).hasSuffix("client unharmed · 2 more held back"))
    }

    @Test func severityIsAColourAndASign() {
        let style = Style(hasColour: true, hasUnicode: false, width: 80)
        #expect(lines(Sample.record(), style)[0].hasPrefix("\u{1B}[31mE\u{1B}[0m "))
        #expect(["error", "warning", "info"].map(style.sign) == ["E", "W", "i"])
    }

    @Test func hostileTextIsShownAndNotObeyed() {
        let record = Sample.small(
            "2026-11-22T09:15:03Z", kind: #"x\u001b[2J"#, #""request":{"method":"GET","path":"/\u001b]0;x\u0007\u202e\u009b"}"#)
        let text = lines(record, plain).joined()
        #expect(
            text.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && $0.value != 0x7F && !(0x80..<0xA0).contains($0.value) && $0.value != 0x202E
            })
        #expect(text.contains("\\u{1b}"))
    }

    @Test(arguments: [
        (#""client_impact":"aborted""#, "client cut off"), (#""client_impact":"bad_gateway""#, "client got 502"),
        (
            #""client_impact":"misdelivered","victim":{"method":"GET","path":"/me"}"#,
            "client of GET /me may have got another's answer"
        ),
        (#""attribution":"likely","response":{"status":200}"#, "200 likely the one"),
        (#""attribution":"open""#, "one of several"),
        (#""evidence":{"phase":"in_head","reason":"a bad chunk size"}"#, "a bad chunk size"),
        (
            #""application":{"code":"ERR_HTTP_HEADERS_SENT","between_ms":3,"first":["at /a/x.js:1:2"],"second":["at /a/y.js:3:4"]}"#,
            "second send y.js:3, first x.js:1"
        ),
    ]) func says(more: String, text: String) {
        #expect(lines(Sample.small("2026-11-22T09:15:03Z", more), plain).joined(separator: "\n").contains(text))
    }
}

extension Sample {
    static func small(_ time: String, _ more: String) -> Record { small(time, kind: "second_response", more) }
}
