import Facts
import HTTP1
import Testing

/// What bytes look like that no answer accounts for.
@Suite struct SurplusReaderTests {
    private func read(_ text: String, more: UInt64 = 0) -> SurplusFacts {
        let bytes = Array(text.utf8)
        return SurplusReader.read(bytes, total: UInt64(bytes.count) + more)
    }

    @Test func lineEnds() {
        for text in ["\r\n", "\n", "\r", "\r\n\r\n\r\n"] {
            let facts = read(text)
            #expect(facts.isOnlyLineEnds && facts.status == nil && !facts.beginsLikeHeaderBlock)
        }
        // What was not kept may have been anything.
        #expect(!read("\r\n", more: 1).isOnlyLineEnds)
        #expect(!read("\r\nx").isOnlyLineEnds)
    }

    @Test func otherBytes() {
        for text in ["second", "H", "HTTX", "0\r\n\r\n", "{\"a\":1}", "http/1.1 200 OK\r\n\r\n", "HTTP/2 200\r\n\r\n"] {
            let facts = read(text)
            #expect(facts.total == UInt64(text.utf8.count) && facts.status == nil && facts.startLine == nil, "\(text)")
            #expect(facts.fields.isEmpty && facts.blockBytes == nil && facts.messageBytes == nil)
            #expect(facts.beginsLikeHeaderBlock == (text == "H"), "\(text)")
        }
    }

    @Test func aWholeSecondAnswer() {
        let block = "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\n"
        let facts = read(block + "wrong")
        #expect(facts.status == 500 && facts.startLine == "HTTP/1.1 500 Internal Server Error")
        #expect(facts.fields == ["content-type", "content-length"])
        #expect(facts.blockBytes == UInt64(block.utf8.count))
        #expect(facts.messageBytes == UInt64(block.utf8.count + 5))
        #expect(facts.total == UInt64(block.utf8.count + 5) && facts.beginsLikeHeaderBlock && !facts.isOnlyLineEnds)
    }

    @Test func emptyLinesBeforeIt() {
        let facts = read("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        #expect(facts.status == 200 && facts.total == 23 && facts.blockBytes == 19)
    }

    @Test func lengthsOfWholeMessages() {
        #expect(read("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n").messageBytes == 37)
        #expect(read("HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n").messageBytes == 46)
        #expect(read("HTTP/1.1 304 Not Modified\r\n\r\n").messageBytes == 29)
        // Neither chunks nor a body to the end declare one.
        #expect(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").messageBytes == nil)
        #expect(read("HTTP/1.1 200 OK\r\n\r\nabc").messageBytes == nil)
        // A length that no bytes could have does not overflow.
        #expect(read("HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n").messageBytes != nil)
    }

    @Test func aMalformedBlockStillHasAStatus() {
        let facts = read("HTTP/1.1 200 OK\r\nDate: x\r\nbad name: y\r\n\r\n")
        #expect(facts.status == 200 && facts.startLine == "HTTP/1.1 200 OK" && facts.fields == ["date"])
        #expect(facts.blockBytes == nil && facts.messageBytes == nil)
    }

    /// The kept bytes may end anywhere.
    @Test func cutAtEveryByte() {
        let text = "HTTP/1.1 500 Oh no\r\nA: b\r\nContent-Length: 2\r\n\r\nab"
        for count in 1...text.utf8.count {
            let facts = SurplusReader.read(Array(text.utf8.prefix(count)), total: UInt64(text.utf8.count))
            #expect(facts.beginsLikeHeaderBlock && facts.total == UInt64(text.utf8.count), "\(count)")
            #expect((facts.status == 500) == (count >= 12), "\(count)")
            #expect((facts.blockBytes != nil) == (count >= text.utf8.count - 2), "\(count)")
            if count >= 12 { #expect(facts.startLine == String("HTTP/1.1 500 Oh no".prefix(count)), "\(count)") }
        }
    }

    @Test func aLongStartLineIsCutShort() {
        let facts = read("HTTP/1.1 200 " + String(repeating: "x", count: 1000) + "\r\n\r\n")
        #expect(facts.startLine?.utf8.count == 256)
    }

    // MARK: The first look

    @Test(arguments: [
        ("\r\n", true, true), ("\n\n\r", true, true), ("", true, true), ("\r\nH", false, false), (" ", false, false),
        ("HTTP/1.1 408 Request Timeout\r\n", false, true), ("HTTP/1.0 408", false, true), ("HTTP/1.1 4", false, true),
        ("H", false, true),
        ("HTTP/1.1 500", false, false), ("HTTP/1.1 409", false, false), ("HTTP/1.1 200 OK\r\n\r\n", false, false),
        ("second", false, false),
    ])
    func whatMayBeInnocent(text: String, isOnlyLineEnds: Bool, mayBe: Bool) {
        Array(text.utf8 + [0]).withUnsafeBufferPointer {
            #expect(SurplusReader.isOnlyLineEnds($0.baseAddress!, text.utf8.count) == isOnlyLineEnds)
            #expect(SurplusReader.mayBeInnocent($0.baseAddress!, text.utf8.count) == mayBe)
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200", true, true), ("HTTP/1.", true, true), ("HTTP/1", false, true), ("", false, true),
        ("HTTP/2 200", false, false),
        ("HTX", false, false),
    ])
    func whatBeginsLikeAnAnswer(text: String, whole: Bool, orShorter: Bool) {
        Array(text.utf8 + [0]).withUnsafeBufferPointer {
            #expect(SurplusReader.begins($0.baseAddress!, text.utf8.count, like: "HTTP/1.") == whole)
            #expect(SurplusReader.begins($0.baseAddress!, text.utf8.count, like: "HTTP/1.", orShorter: true) == orShorter)
        }
    }
}
