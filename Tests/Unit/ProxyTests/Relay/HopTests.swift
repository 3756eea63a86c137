import Testing

@testable import Proxy

/// What the relay must know of either side, and which connections are of which sort.
@Suite struct HopTests {
    @Test(arguments: [(Hop.connection, false, false, true), (.stream, true, true, false)])
    func answers(_ hop: Hop, _ framesBodies: Bool, _ marksEnds: Bool, _ switchesWith101: Bool) {
        #expect(hop.framesBodies == framesBodies && hop.marksEnds == marksEnds && hop.switchesWith101 == switchesWith101)
    }
}
