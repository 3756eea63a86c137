import Testing

@testable import EventLoop

@Suite struct TurnQueueTests {
    /// Against a plain array, with few and with many waiting, so that spent places are freed on the way.
    @Test(arguments: [3, 600, 5000]) func firstComeFirstServed(_ waiting: Int) {
        var queue = TurnQueue()
        var next: UInt64 = 0
        var due: UInt64 = 0
        for round in 0..<50 {
            for _ in 0..<(round == 0 ? waiting : 40) {
                queue.append(next)
                next += 1
            }
            for _ in 0..<min(40, queue.count) {
                #expect(queue.takeFirst() == due)
                due += 1
            }
            #expect(queue.count == Int(next - due))
        }
        while !queue.isEmpty {
            #expect(queue.takeFirst() == due)
            due += 1
        }
        #expect(due == next)
        #expect(queue.count == 0)
    }
}
