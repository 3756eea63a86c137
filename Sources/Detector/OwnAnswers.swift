/// Which answers may be the requests' own, in order: those choices that fit not much worse than the best.
///
/// The best that can follow on a choice is known before it is made, so that hardly a choice is begun in vain.
struct OwnAnswers {
    private let requests: Int
    private let extras: Int
    /// By request, then by how many extras come before its own answer, then by how many before the one before it.
    private var fits: [Double]
    /// By request, then by how many extras come before its own answer: the best fit of all requests after it.
    private var bestAfter: [Double]
    private var best = 0.0

    /// - Parameter fit: of a request, the place of its own answer, and the place of the own answer before; nil for the first request.
    init(requests: Int, extras: Int, fit: (_ request: Int, _ place: Int, _ previous: Int?) -> Double) {
        (self.requests, self.extras) = (requests, extras)
        fits = Array(repeating: 0, count: requests * (extras + 1) * (extras + 1))
        bestAfter = Array(repeating: 1, count: requests * (extras + 1))
        for request in 0..<requests {
            // No answer comes before the first request, so the first is its own.
            for before in 0...extras where request > 0 || before == 0 {
                for earlier in 0...before where request > 1 || earlier == 0 {
                    fits[index(request, before, earlier)] = fit(
                        request, request + before, request > 0 ? request - 1 + earlier : nil)
                }
            }
        }
        for request in stride(from: requests - 1, to: 0, by: -1) {
            for earlier in 0...extras {
                bestAfter[(request - 1) * (extras + 1) + earlier] =
                    (earlier...extras).reduce(0) { max($0, fits[index(request, $1, earlier)] * after(request, $1)) }
            }
        }
        best = fits[0] * after(0, 0)
    }

    /// The places of the own answers, by request, of each choice that fits at least such a share of the best; nil for more than `countMax`.
    func all(above share: Double, countMax: Int) -> [[Int]]? {
        guard best > 0 else { return [] }
        var found: [[Int]] = []
        var own: [Int] = []
        own.reserveCapacity(requests)
        return extend(&own, 1, least: best * share, countMax, &found) ? found : nil
    }

    private func extend(_ own: inout [Int], _ fit: Double, least: Double, _ countMax: Int, _ found: inout [[Int]]) -> Bool {
        let request = own.count
        if request == requests {
            found.append(own)
            return found.count <= countMax
        }
        let earlier = request > 0 ? own[request - 1] - (request - 1) : 0
        for before in earlier...(request > 0 ? extras : 0) {
            let fit = fit * fits[index(request, before, earlier)]
            guard fit * after(request, before) >= least else { continue }
            own.append(request + before)
            guard extend(&own, fit, least: least, countMax, &found) else { return false }
            own.removeLast()
        }
        return true
    }

    private func after(_ request: Int, _ before: Int) -> Double { bestAfter[request * (extras + 1) + before] }

    private func index(_ request: Int, _ before: Int, _ earlier: Int) -> Int {
        (request * (extras + 1) + before) * (extras + 1) + earlier
    }
}
