import EventLoop
import Testing

@Suite struct EventTagTests {
    @Test(arguments: EventTag.Kind.allCases, [Int32(0), 1, 65_535, Int32.max])
    func whatGoesInComesOut(kind: EventTag.Kind, slot: Int32) {
        for generation: UInt32 in [0, 1, EventTag.generationMask, .max] {
            let tag = EventTag(bits: EventTag(kind, generation: generation, slot: slot).bits)
            #expect(tag.kind == kind && tag.slot == slot)
            #expect(tag.carries(generation))
            #expect(!tag.carries(generation ^ 1))
        }
    }
}
