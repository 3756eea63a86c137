import Testing

@testable import Proxy

@Suite struct ListenersTests {
    private let pause = Listeners.pauseTime

    @Test func placesAreCountedAndClosed() {
        var listeners = Listeners()
        #expect(listeners.add(ListenerSocket(fd: 7, index: 0)) == 0)
        #expect(listeners.add(ListenerSocket(fd: 8, index: 2)) == 1)
        #expect(listeners.open == [0, 1])
        listeners.close(0)
        #expect(listeners.open == [1])
        let (first, second) = (listeners[0], listeners[1])
        #expect(second.fd == 8 && second.index == 2 && !first.isOpen)
    }

    @Test func aPauseBeginsOnceAndIsProlonged() {
        var listeners = Listeners()
        #expect([listeners.isPaused, listeners.isDue(now: .max)] == [false, false])
        #expect(listeners.pause(now: 0) == .begins(isNews: true))
        #expect(listeners.pause(now: 50) == .goesOn)
        #expect([listeners.isPaused, listeners.isDue(now: pause), listeners.isDue(now: pause + 50)] == [true, false, true])
        listeners.resume()
        #expect(listeners.isPaused == false)
    }

    /// A pause is logged once in ten seconds.
    @Test(arguments: [(UInt64(1), false), (Listeners.logTime, false), (Listeners.logTime + 1, true)])
    func newsAreRare(after time: UInt64, isNews: Bool) {
        var listeners = Listeners()
        _ = listeners.pause(now: 5)
        listeners.resume()
        #expect(listeners.pause(now: 5 + time) == .begins(isNews: isNews))
    }

    @Test(arguments: [(-1, 100), (7, 7), (100, 100), (5000, 100), (0, 0)])
    func aPauseShortensTheWait(asked: Int, waited: Int) {
        var listeners = Listeners()
        #expect(listeners.wait(asked) == asked)
        _ = listeners.pause(now: 0)
        #expect(listeners.wait(asked) == waited)
    }
}
