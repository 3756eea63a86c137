import Routing

extension Settings.Route {
    /// Compiles what has a language of its own, so that a mistake in it has its place in the file.
    mutating func checkTexts(_ node: Node, _ decoder: inout Decoder) {
        var groupCount = 0
        if let pathRegex {
            do throws(PathPattern.Invalid) {
                groupCount = try PathPattern(pathRegex).groupCount
            } catch {
                let place = pathRegex.utf8.prefix(error.offset)
                decoder.fail(
                    "'\(Quoting.shown(pathRegex))' is no regular expression: \(error.reason), after '\(Quoting.shown(String(place) ?? ""))'",
                    at: decoder.mark(of: "path_regex") ?? node.mark)
                groupCount = 9
            }
        }
        check("rewrite", rewrite, groupCount, isURL: false, at: decoder.mark(of: "rewrite") ?? node.mark, &decoder)
        check("redirect", redirect?.to, groupCount, isURL: true, at: decoder.mark(of: "redirect", "to") ?? node.mark, &decoder)
    }

    private func check(_ key: String, _ text: String?, _ groupCount: Int, isURL: Bool, at mark: Mark, _ decoder: inout Decoder)
    {
        guard let text else { return }
        do throws(PathTemplate.Invalid) {
            _ = try PathTemplate(text, groupCount: groupCount, isURL: isURL)
        } catch {
            decoder.fail(error.reason, at: mark)
        }
    }

    /// Fields that name a request in every log: the proxy alone writes them.
    private static let identity: Set<String> = ["x-request-id", "traceparent"]

    mutating func checkFields(_ node: Node, _ decoder: inout Decoder) {
        for field in requestHeaders.set where Self.identity.contains(field.name.lowercased()) {
            let mark = decoder.mark(of: "request_headers", "set", field.name) ?? node.mark
            decoder.fail("the field '\(field.name)' belongs to the proxy and cannot be set", at: mark)
        }
        for (index, name) in requestHeaders.remove.enumerated() where Self.identity.union(["host"]).contains(name.lowercased())
        {
            let mark = decoder.mark(of: "request_headers", "remove", "\(index)") ?? node.mark
            decoder.fail("the field '\(name)' cannot be removed from a request", at: mark)
        }
    }
}
