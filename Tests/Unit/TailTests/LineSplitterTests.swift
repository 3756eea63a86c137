import Testing

@testable import Tail

@Suite struct LineSplitterTests {
    @Test(arguments: 1...12) func linesDoNotDependOnTheCut(size: Int) {
        let text = Array("one\n\ntwo\nhalf".utf8)
        var splitter = LineSplitter()
        var lines: [String] = []
        for start in stride(from: 0, to: text.count, by: size) {
            lines += splitter.receive(text[start..<min(text.count, start + size)]).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(lines == ["one", "", "two"])
        #expect(splitter.end().map { String(decoding: $0, as: UTF8.self) } == "half")
        #expect(splitter.end() == nil)
    }

    @Test func whatIsTooLongIsNoLine() {
        var splitter = LineSplitter()
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: LineSplitter.lineBytesMax / 2 + 1)
        #expect(splitter.receive(chunk).isEmpty && splitter.receive(chunk).isEmpty)
        #expect(splitter.receive("rest\nnext\n".utf8).map { String(decoding: $0, as: UTF8.self) } == ["", "next"])
    }
}
