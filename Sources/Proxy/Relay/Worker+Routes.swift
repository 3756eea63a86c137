import HTTP1
import Routing
import Wire

/// Where a request goes, and as what.
extension Worker {
    /// The route of the request in `requestBlock`. Nil when it has been answered: refused, or sent elsewhere.
    mutating func findRoute(_ slot: ClientSlot, _ target: inout RequestTarget) -> Int? {
        let found = router.route(
            host: target.host, target: target.path, method: requestBlock.method,
            methodText: requestBlock.bytes(requestBlock.methodText))
        // What the client asked for stays in the logs; what goes on has one reading.
        target.path = UnsafeBufferPointer(rebasing: target.path[router.excess...])
        switch found {
        case .route(let route):
            guard routeActions[route].redirects else { return route }
            redirect(slot, route, target)
        case .noRoute: refuse(slot, status: 404, "no route for this host and path")
        case .methodNotAllowed:
            refuse(slot, status: 405, "no route for this method", fields: "Allow: \(router.allowed.list)\r\n")
        case .ambiguous: refuse(slot, status: 400, "servers read this path in different ways")
        case .tooCostly: refuse(slot, status: 400, "no route can be found for this path in reasonable time")
        }
        return nil
    }

    private mutating func redirect(_ slot: ClientSlot, _ route: Int, _ target: RequestTarget) {
        let redirect = plan.routes[route].redirect!
        guard let location = router.location(redirect.to, host: target.host, target: target.path) else {
            return refuse(slot, status: 414, "the target is too long for a redirect", route: route)
        }
        let text = String(decoding: location, as: UTF8.self)
        let changes = plan.routes[route].responseFields
        refuse(
            slot, status: redirect.status, text, route: route,
            fields: changes?.names("location") == true ? "" : "Location: \(text)\r\n", changes: changes)
    }

    /// What is asked of the route's upstream. Nil when the target becomes too long.
    mutating func aim(_ slot: ClientSlot, _ route: Int, _ target: RequestTarget) -> RequestHead.Aim? {
        var aim = RequestHead.Aim(
            target, peer: clients[slot].pointee.address, isTrusted: clients[slot].pointee.isTrusted)
        aim.isTLS = isTLS(slot)
        aim.tellsTrailers = plan.upstreams[plan.routes[route].upstream].protocol.sharesConnections
        aim.isMarked = plan.echo != .off
        let actions = routeActions[route]
        if actions.changesTarget {
            guard let changed = changedTarget(route, target) else { return nil }
            aim.target = changed
        }
        aim.changes = actions.requestFields
        let host = actions.requestFields.host
        if !host.isEmpty { aim.host = host }
        return aim
    }

    private func changedTarget(_ route: Int, _ target: RequestTarget) -> UnsafeBufferPointer<UInt8>? {
        guard let template = plan.routes[route].rewrite else {
            return router.strip(plan.routes[route].stripPrefix, from: target.path)
        }
        return router.rewrite(template, target: target.path)
    }
}
