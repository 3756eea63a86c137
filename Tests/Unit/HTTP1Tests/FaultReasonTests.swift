import HTTP1
import Testing
import Wire

/// Each refused header block says which rule it breaks, in which field and line.
@Suite struct FaultReasonTests {
    private func reason(_ text: String) -> String? { reason(Array(text.utf8)) }

    /// What the parser refuses, in words; nil when it refuses nothing.
    private func reason(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBufferPointer { buffer in
            var block = HeaderBlock(capacity: 16)
            let limits = HeadLimits(headerBytesMax: 4096)
            guard
                case .malformed(let fault) = HeadParser.response(
                    buffer.baseAddress!, count: buffer.count, limits: limits, into: &block)
            else { return nil }
            return FaultReason.ofHead(fault, buffer.baseAddress!, buffer.count)
        }
    }

    @Test func fields() {
        for (lines, expected) in [
            ("X-Name : v\r\n", "white space before the colon of field x-name (line 2)"),
            ("X-A: one\r\n two\r\n", "folded field line (obs-fold) after field x-a (line 3)"),
            ("X-A: a\u{0}b\r\n", "control character 0x00 in the value of field x-a (line 2)"),
            ("A: b\r\nX(A): c\r\n", "bad field name: 0x28 after \"x\" (line 3)"),
            ("no field\r\n", "white space before the colon of field no (line 2)"),
        ] { #expect(reason("HTTP/1.1 200 OK\r\n" + lines + "\r\n") == expected, "\(lines)") }
    }

    @Test func startLines() {
        for (text, expected) in [
            ("<!DOCTYPE html><html>", "no status line: markup, such as an HTML page without a header block"),
            ("{\"error\":1}     ", "no status line: JSON, or something like it, without a header block"),
            ("HTTP/1.1 two hundred\r\n\r\n", "bad start line (HTTP/1.1 two hundred)"),
            ("garbage garbage", "no status line"),
        ] { #expect(reason(text) == expected, "\(text)") }
        #expect(
            reason([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46, 0, 0, 0, 0, 0])
                == "no status line: a TLS alert, as from a port that speaks TLS")
        #expect(
            reason([0, 0, 18, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0])
                == "no status line: an HTTP/2 SETTINGS frame, as from a port that speaks HTTP/2")
    }

    @Test func bodies() {
        let html = Array("<html>".utf8)
        #expect(
            FaultReason.ofBody(.chunkSize, html, html.count)
                == "bad chunk size: markup, such as an HTML page without a header block stands there")
        #expect(FaultReason.ofBody(.chunkEnd, html, 0) == "chunk data that does not end in CRLF")
    }
}
