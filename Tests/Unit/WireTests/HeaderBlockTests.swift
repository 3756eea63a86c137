import Testing
import Wire

@Suite struct HeaderBlockTests {
    private let text = Array("GET / HTTP/1.1\r\nDate: now\r\nX: y\r\nDate: then\r\n\r\n".utf8)

    /// A block over `text` as a codec would fill it in.
    private func withBlock(_ body: (inout HeaderBlock) -> Void) {
        var block = HeaderBlock(capacity: 4)
        text.withUnsafeBufferPointer { bytes in
            block.reset(base: bytes.baseAddress!)
            block.fields[0] = Field(start: 16, end: 27, nameCount: 4, name: .date, valueStart: 22, valueCount: 3)
            block.fields[1] = Field(start: 27, end: 33, nameCount: 1, name: .other, valueStart: 30, valueCount: 1)
            block.fields[2] = Field(start: 33, end: 45, nameCount: 4, name: .date, valueStart: 39, valueCount: 4)
            block.count = 3
            for i in 0..<3 where block.fields[i].name != .other {
                let value = block.value(block.fields[i])
                FieldReader.note(block.fields[i].name, value.baseAddress!, value.count, &block)
            }
            body(&block)
        }
    }

    private func string(_ bytes: UnsafeBufferPointer<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func readsNamesAndValues() {
        withBlock { block in
            #expect(string(block.nameBytes(block.fields[0])) == "Date")
            #expect(string(block.value(block.fields[0])) == "now")
            #expect(string(block.nameBytes(block.fields[1])) == "X")
            #expect(string(block.value(block.fields[2])) == "then")
            #expect(string(block.bytes(ByteRange(start: 0, count: 3))) == "GET")
        }
    }

    @Test func findsTheFirstOfAName() {
        withBlock { block in
            #expect(block.has(.date) && !block.has(.host))
            #expect(block.first(.date).map { string(block.value($0)) } == "now")
            #expect(block.first(.host) == nil)
            #expect(block.duplicates == 1 << UInt32(FieldName.date.rawValue))
        }
    }

    @Test func dropsEveryFieldOfAName() {
        withBlock { block in
            block.drop(.host)
            #expect((0..<3).allSatisfy { !block.fields[$0].isDropped })
            block.drop(.date)
            #expect((0..<3).map { block.fields[$0].isDropped } == [true, false, true])
        }
    }

    @Test func ranges() {
        #expect(ByteRange().isEmpty)
        #expect(ByteRange(start: 3, count: 4).end == 7 && !ByteRange(start: 3, count: 4).isEmpty)
    }
}
