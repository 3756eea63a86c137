import Wire

/// What the worker does to every request of a route, in a form that is read without counting references.
struct RouteActions: BitwiseCopyable {
    /// Answered with a redirect.
    var redirects: Bool
    /// The target goes on other than it came.
    var changesTarget: Bool
    /// The plan keeps them.
    var requestFields: Unmanaged<FieldChanges>?
    var responseFields: Unmanaged<FieldChanges>?
    /// The route's own, or its upstream's.
    var responseHeaderTimeout: UInt64 = 0
    var bodyIdleTimeout: UInt64 = 0
    /// An answer with more after it is no answer: `on_violation: fail`.
    var failsForSurplus: Bool
    /// Its upstream's clients go back to the server that they had.
    var isSticky = false

    /// `upstream`: nil for a redirect.
    init(_ route: Plan.Route, _ upstream: Plan.Upstream?) {
        redirects = route.redirect != nil
        changesTarget = !route.stripPrefix.isEmpty || route.rewrite != nil
        requestFields = route.requestFields.map { .passUnretained($0) }
        responseFields = route.responseFields.map { .passUnretained($0) }
        failsForSurplus = route.onViolation == .fail
        guard let upstream else { return }
        responseHeaderTimeout = route.responseHeaderTimeout > 0 ? route.responseHeaderTimeout : upstream.responseHeaderTimeout
        bodyIdleTimeout = route.bodyIdleTimeout > 0 ? route.bodyIdleTimeout : upstream.bodyIdleTimeout
        isSticky = upstream.sticky != nil
    }
}

extension Unmanaged<FieldChanges>? {
    var lines: UnsafeBufferPointer<UInt8> {
        self?._withUnsafeGuaranteedRef { $0.lines } ?? UnsafeBufferPointer(start: nil, count: 0)
    }

    /// Whether the proxy leaves out the line of this name that it would write itself.
    @inline(__always)
    func replaces(_ name: FieldName) -> Bool { self?._withUnsafeGuaranteedRef { $0.replaces(name) } ?? false }

    /// Leaves the lines of the block out that are taken out or set anew.
    @inline(__always)
    func drop(_ block: inout HeaderBlock) {
        guard let changes = self else { return }
        changes._withUnsafeGuaranteedRef { $0.drop(&block) }
    }

    /// The Host field to be set; empty for the request's own.
    var host: UnsafeBufferPointer<UInt8> {
        self?._withUnsafeGuaranteedRef { $0.host } ?? UnsafeBufferPointer(start: nil, count: 0)
    }
}
