extension Settings {
    /// Fills in what follows from the rest, and checks the parts against each other. `root` is where the file begins,
    /// nil without a file.
    mutating func complete(root: Mark?, _ decoder: inout Decoder) {
        completeListeners(&decoder)
        guard !upstreams.isEmpty else {
            let mark = decoder.mark(of: "upstreams") ?? root
            let message = "at least one upstream is needed: where do the requests go?"
            if mark == nil {
                decoder.fail("\(message) Give --upstream ADDR or --config FILE", flag: "--upstream")
            } else {
                decoder.fail(message, at: mark)
            }
            return
        }
        completeRoutes(root: root, &decoder)
    }

    private mutating func completeListeners(_ decoder: inout Decoder) {
        if listeners.isEmpty { listeners = [Listener(address: Listener.defaultAddress)] }
        // Workers share a port on purpose, so the kernel would not object to a second listener on it.
        var seen: Set<Address> = []
        for (index, listener) in listeners.enumerated() where !listener.address.isChosenByKernel {
            let mark = decoder.mark(of: "listeners", "\(index)", "address")
            if !seen.insert(listener.address).inserted {
                report("\(listener.address) is listened on twice", at: mark, flag: "--listen", &decoder)
            }
        }
        guard let address = admin.address, seen.contains(address) else { return }
        let mark = decoder.mark(of: "admin", "address")
        report(
            "\(address) is a listener's address too; the admin endpoint needs its own", at: mark, flag: "--admin",
            &decoder)
    }

    private mutating func completeRoutes(root: Mark?, _ decoder: inout Decoder) {
        let names = upstreams.map(\.name)
        if routes.isEmpty {
            if upstreams.count > 1 {
                let mark = decoder.mark(of: "routes") ?? decoder.mark(of: "upstreams") ?? root
                decoder.fail("with \(upstreams.count) upstreams, 'routes' must say which requests go where", at: mark)
            }
            var route = Route(name: Route.defaultName, upstream: names[0])
            route.pathPrefix = "/"
            routes = [route]
        }
        var seen: Set<String> = []
        for index in routes.indices {
            let mark = decoder.mark(of: "routes", "\(index)") ?? root
            if routes[index].redirect == nil { completeUpstream(ofRoute: index, names: names, mark: mark, &decoder) }
            // A name that is given but could not be read has been complained about.
            let nameMark = decoder.mark(of: "routes", "\(index)", "name")
            if routes[index].name.isEmpty, nameMark == nil {
                routes[index].name = routes[index].upstream ?? ""
                if routes[index].redirect != nil { decoder.fail("a route with 'redirect' needs a 'name'", at: mark) }
            }
            let name = routes[index].name
            if !name.isEmpty, !seen.insert(name).inserted {
                let hint = nameMark == nil ? " (after their upstream): give this one a 'name'" : ""
                decoder.fail("two routes are named '\(Quoting.shown(name))'\(hint)", at: nameMark ?? mark)
            }
        }
    }

    private mutating func completeUpstream(ofRoute index: Int, names: [String], mark: Mark?, _ decoder: inout Decoder) {
        let given = decoder.mark(of: "routes", "\(index)", "upstream")
        if let name = routes[index].upstream {
            guard !names.contains(name) else { return }
            let hint = Spelling.hint(for: name, among: names)
            decoder.fail("no upstream is named '\(Quoting.shown(name))'\(hint)", at: given ?? mark)
        } else if names.count == 1 {
            routes[index].upstream = names[0]
        } else if given == nil {
            decoder.fail("the key 'upstream' is missing, and there are \(names.count) upstreams", at: mark)
        } else {
            decoder.fail("a route needs the name of an upstream", at: given)
        }
    }

    private func report(_ message: String, at mark: Mark?, flag: String, _ decoder: inout Decoder) {
        if let mark { decoder.fail(message, at: mark) } else { decoder.fail(message, flag: flag) }
    }
}

extension Address {
    /// Port 0: each listener gets a port of its own.
    var isChosenByKernel: Bool {
        if case .tcp(_, 0) = self { true } else { false }
    }
}
