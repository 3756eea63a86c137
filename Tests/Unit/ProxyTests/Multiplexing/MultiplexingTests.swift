import EventLoop
import HTTP2
import Report
import Testing

@testable import Proxy

@Suite struct MultiplexingTests {
    enum Act: Sendable {
        case add(Int32)
        case remove(Int32)
        case mark(Int32)
        /// The slot that comes up, or that none does.
        case next(Int32?)
        case marks(Bool)
    }

    struct Story: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var acts: [Act]
    }

    static let stories = [
        Story(testDescription: "nobody", acts: [.marks(false), .next(nil)]),
        Story(
            testDescription: "in the order of their marks",
            acts: [
                .add(10), .add(11), .add(12), .mark(2), .mark(0), .marks(true), .next(12), .next(10), .next(nil), .marks(false),
            ]),
        Story(
            testDescription: "once, however often it is marked",
            acts: [
                .add(10), .mark(0), .mark(0), .next(10), .next(nil), .mark(0), .next(10), .next(nil),
            ]),
        Story(
            testDescription: "one that is marked again while it sends",
            acts: [
                .add(10), .add(11), .mark(0), .mark(1), .next(10), .mark(0), .next(11), .next(10), .next(nil), .marks(false),
            ]),
        Story(
            testDescription: "one that has gone",
            acts: [.add(10), .add(11), .mark(0), .mark(1), .remove(0), .next(11), .next(nil)]),
        Story(testDescription: "another in its place, unmarked", acts: [.add(10), .mark(0), .remove(0), .add(20), .next(nil)]),
        Story(
            testDescription: "another in its place, marked",
            acts: [
                .add(10), .mark(0), .remove(0), .add(20), .mark(0), .next(20), .next(nil), .marks(false),
            ]),
    ]

    @Test(arguments: stories)
    func whoComesUp(_ story: Story) {
        var multiplexing = Multiplexing()
        for act in story.acts {
            switch act {
            case .add(let slot):
                _ = multiplexing.add(SharedConnection(HTTP2Session(.client, HTTP2Limits())!, connection(slot)))
            case .remove(let number): multiplexing.remove(number)
            case .mark(let number): multiplexing.mark(number)
            case .next(let slot):
                let next = multiplexing.next()
                #expect(next == slot.map(connection))
            case .marks(let has):
                let marks = multiplexing.hasMarks
                #expect(marks == has)
            }
        }
    }

    /// Stories write clients' slots as even numbers.
    private func connection(_ slot: Int32) -> ConnectionSlot {
        slot % 2 == 0 ? .client(ClientSlot(slot)) : .upstream(UpstreamSlot(slot))
    }

    @Test func streamsTheNewestFirst() {
        let made = Slab<UpstreamConnection>(capacity: 4)
        guard var slab = made else { return #expect(Bool(false), "no memory") }
        let shared = SharedConnection(HTTP2Session(.client, HTTP2Limits())!, .upstream(0))
        for number in 0..<3 as Range<UInt64> {
            shared.begin(slab.take(UpstreamConnection(fd: -1, server: 0, number: number, idleTimeout: 0)), slab)
        }
        let streams = shared.upstreamStreams
        #expect(streams.first == 2 && streams.last == 0 && shared.streamCount == 3)
        shared.end(1 as UpstreamSlot, slab)
        #expect(slab[2].pointee.next == 0 && slab[0].pointee.previous == 2 && shared.streamCount == 2)
        shared.end(2 as UpstreamSlot, slab)
        shared.end(0 as UpstreamSlot, slab)
        #expect(shared.upstreamStreams.isEmpty && shared.streamCount == 0)
    }
}
