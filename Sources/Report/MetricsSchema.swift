import CShim
import Detector
import Wire

/// Which series exist: the names that the configuration gives to routes, upstreams and listeners. Immutable.
public struct MetricsSchema: Sendable {
    /// The label's value where there is no route, or no upstream.
    public static let none = "_none"

    /// A route that asks no upstream has none.
    public let routes: [(name: String, upstreamIndex: Int?)]
    public let upstreams: [(name: String, servers: [String])]
    public let listeners: [String]
    public let layout: CounterLayout

    /// The index for requests that no route matched.
    public var noRoute: Int { routes.count }

    public init(
        routes: [(name: String, upstreamIndex: Int?)], upstreams: [(name: String, servers: [String])], listeners: [String]
    ) {
        precondition(routes.allSatisfy { $0.upstreamIndex.map(upstreams.indices.contains) ?? true })
        self.routes = routes
        self.upstreams = upstreams
        self.listeners = listeners
        layout = CounterLayout(
            routeCount: routes.count, upstreamCount: upstreams.count, listenerCount: listeners.count)
    }

    /// Every combination in which an incident can occur.
    var incidentSeries: [IncidentSeries] {
        var series: [IncidentSeries] = []
        func add(_ kinds: [Kind], _ route: String, _ upstream: String) {
            for kind in kinds {
                for certainty in kind.certainties {
                    series.append(IncidentSeries(kind: kind, certainty: certainty, route: route, upstream: upstream))
                }
            }
        }
        for route in routes {
            if let index = route.upstreamIndex { add(Kind.allCases, route.name, upstreams[index].name) }
        }
        // Bytes on a connection that has not served an exchange yet: nobody's route.
        for upstream in upstreams {
            add([.secondResponse, .lateInterim, .bodyAfterEnd, .malformedMessage], Self.none, upstream.name)
        }
        // A client that broke the rules before a route could be found for its request, or on a stream of a forgotten one.
        add(
            [.headerBlockInBody, .bodyAfterEnd, .duplicateField, .conflictingFraming, .malformedMessage], Self.none, Self.none)
        return series
    }

    /// Whether every name among the labels is one of the configuration in force.
    func knows(_ family: MetricFamily, _ labels: [String]) -> Bool {
        zip(family.description.labels, labels).allSatisfy { label, value in
            switch label {
            case _ where value == Self.none: true
            case "route": routes.contains { $0.name == value }
            case "upstream": upstreams.contains { $0.name == value }
            case "listener": listeners.contains(value)
            default: true
            }
        }
    }

    /// Adds up `blocks`, which are all of this schema's layout.
    func collect(_ blocks: [WorkerCounters], into samples: inout Samples, zeros: Bool) {
        let sum = { (index: Int) in
            blocks.reduce(UInt64(0)) { unsafe $0 &+ so_load($1.words + index) }
        }
        let add = { (samples: inout Samples, family: MetricFamily, labels: [String], index: Int) in
            let value = sum(index)
            if zeros || value != 0 { samples.add(family, labels, [value]) }
        }
        let addHistogram = { (samples: inout Samples, family: MetricFamily, labels: [String], index: Int) in
            let values = (index..<index + DurationHistogram.wordCount).map(sum)
            if zeros || values.contains(where: { $0 != 0 }) { samples.add(family, labels, values) }
        }

        for side in SideLabel.allCases {
            add(&samples, .receivedBytes, [side.text], CounterLayout.received + Int(side.rawValue))
            add(&samples, .sentBytes, [side.text], CounterLayout.sent + Int(side.rawValue))
        }
        for reason in RejectReason.allCases {
            add(&samples, .clientRejected, [reason.text], CounterLayout.rejected + Int(reason.rawValue))
        }
        addHistogram(&samples, .eventLoopLag, [], CounterLayout.lag)
        for (index, listener) in listeners.enumerated() {
            add(&samples, .clientConnections, [listener], layout.listeners + index)
        }
        for (index, upstream) in upstreams.enumerated() {
            let first = layout.upstreams + index * CounterLayout.upstreamWords
            for state in ConnectionStateLabel.allCases {
                let cell = first + CounterLayout.connections + Int(state.rawValue)
                add(&samples, .upstreamConnections, [upstream.name, state.text], cell)
            }
            for reason in CloseReason.allCases {
                let cell = first + CounterLayout.closed + Int(reason.rawValue)
                add(&samples, .upstreamConnectionsClosed, [upstream.name, reason.text], cell)
            }
            for reason in UpstreamRejectReason.allCases {
                let cell = first + CounterLayout.upstreamRejected + Int(reason.rawValue)
                add(&samples, .upstreamRejected, [upstream.name, reason.text], cell)
            }
            add(&samples, .upstreamRetries, [upstream.name], first + CounterLayout.retries)
            add(&samples, .upstreamRetriesRefused, [upstream.name], first + CounterLayout.retriesRefused)
            add(&samples, .upstreamShortRests, [upstream.name], first + CounterLayout.shortRests)
            add(&samples, .surplusBytes, [upstream.name], first + CounterLayout.surplus)
            addHistogram(&samples, .upstreamResponseHeader, [upstream.name], first + CounterLayout.responseHeader)
        }
        for index in 0...routes.count {
            let duration = layout.durations + index * DurationHistogram.wordCount
            addHistogram(&samples, .requestDuration, routeLabels(index), duration)
            collectRequests(ofRoute: index, blocks, into: &samples)
        }
    }

    /// Most of the table is zero for ever, so zeros are no series here.
    private func collectRequests(ofRoute route: Int, _ blocks: [WorkerCounters], into samples: inout Samples) {
        let labels = routeLabels(route)
        for method in Method.allCases {
            let row = route * CounterLayout.methodCount + Int(method.rawValue)
            let first = layout.requests + row * CounterLayout.statusCount
            for offset in 0..<CounterLayout.statusCount {
                var count: UInt64 = 0
                for block in blocks { unsafe count &+= so_load(block.words + first + offset) }
                guard count != 0 else { continue }
                let code = String(offset + CounterLayout.statusMin)
                samples.add(.requests, labels + [String(describing: method.text), code], [count])
            }
        }
    }

    private func routeLabels(_ index: Int) -> [String] {
        guard index < routes.count else { return [Self.none, Self.none] }
        return [routes[index].name, routes[index].upstreamIndex.map { upstreams[$0].name } ?? Self.none]
    }
}
