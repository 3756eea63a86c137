import Testing

@testable import Detector

@Suite struct OwnAnswersTests {
    /// Every choice there is, by trying all.
    private func all(_ requests: Int, _ extras: Int, _ fit: (Int, Int, Int?) -> Double) -> [(own: [Int], fit: Double)] {
        var found: [([Int], Double)] = [([0], fit(0, 0, nil))]
        for request in 1..<requests {
            found = found.flatMap { own, weight in
                (own.last! + 1...request + extras).map { (own + [$0], weight * fit(request, $0, own.last!)) }
            }
        }
        return found
    }

    @Test func thoseThatFitAreFoundAndNoOthers() {
        // Fits that differ by orders of magnitude, and impossible ones.
        func fit(_ request: Int, _ place: Int, _ previous: Int?) -> Double {
            let mixed = (request * 31 + place * 17 + (previous ?? 5) * 7) % 11
            return mixed == 0 ? 0 : 1 / Double(mixed * mixed * mixed)
        }
        for (requests, extras) in [(1, 1), (2, 1), (5, 1), (6, 2), (4, 4), (7, 3)] {
            let everything = all(requests, extras, fit)
            let best = everything.map(\.fit).max()!
            let choice = OwnAnswers(requests: requests, extras: extras, fit: fit)
            for share in [1, 0.1, 1e-6] {
                let wanted = Set(everything.filter { $0.fit > 0 && $0.fit >= best * share * 0.999_999 }.map(\.own))
                #expect(choice.all(above: share * 0.999_999, countMax: 10_000).map(Set.init) == wanted)
            }
        }
    }

    @Test func moreThanWantedAreNone() {
        let choice = OwnAnswers(requests: 4, extras: 2) { _, _, _ in 1 }
        // 3 requests after the first, 2 extras among them or behind them: 5 over 2.
        #expect(choice.all(above: 0.5, countMax: 10)?.count == 10)
        #expect(choice.all(above: 0.5, countMax: 9) == nil)
    }

    @Test func whereNothingFitsThereIsNone() {
        #expect(OwnAnswers(requests: 3, extras: 1) { _, _, _ in 0 }.all(above: 0.1, countMax: 9) == [])
    }
}
