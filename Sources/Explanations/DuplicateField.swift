extension Explanation {
    static let duplicateField = Explanation(
        kind: .duplicateField,
        title: "a field that may stand once stands twice",
        summary: "One header block carries a single-valued field more than once.",
        wire: [
            """
            One header block has two lines of a field that has one value: Content-Length, Content-Type, Location, Date, \
            ETag, Content-Range, Access-Control-Allow-Origin, Host, `:status` and the like. Recipients disagree on which one counts: the first, the \
            last, or both joined with a comma. `evidence.second_fields` names them, `evidence.reason` their lines; one record a header block.
            """
        ],
        causes: [
            """
            Names that differ in case in one object: `{ ...origin.headers, 'Content-Type': ... }`. Node's incoming \
            headers are lower case, JavaScript keys are case-sensitive, and `writeHead` writes both.
            """,
            "Raw arrays: `res.writeHead(302, ['Location', '/a', 'Location', '/b'])`.",
            "An array as value: `res.setHeader('Content-Length', [5, 5])` writes two lines.",
            "Forwarding `rawHeaders` and adding your own Date, Server or Content-Type.",
            "Two middlewares that both use `res.appendHeader` or Express's `res.append` for a single-valued field.",
        ],
        example: Example(
            outcome: "The client reads `content-type: text/html` and `Content-Type: application/json`. All Node versions.",
            before: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  const origin = { headers: { 'content-type': 'text/html' } };
                  res.writeHead(200, {
                    ...origin.headers,
                    'Content-Type': 'application/json',
                  });
                  res.end('{"a":1}');
                }).listen(3000);
                """#,
            after: #"""
                const http = require('http');

                http.createServer((req, res) => {
                  const origin = { headers: { 'content-type': 'text/html' } };
                  for (const [name, value] of Object.entries(origin.headers)) {
                    res.setHeader(name, value);
                  }
                  res.setHeader('Content-Type', 'application/json');  // replaces
                  res.end('{"a":1}');
                }).listen(3000);
                """#),
        client: """
            The client gets its answer. What it makes of it depends on the client: JSON shown as a page, a redirect to either \
            place, a cache that stores under the wrong tag.
            """,
        practices: [
            "`res.setHeader` replaces whatever the case; use it when fields come from several places.",
            "Drop the fields you are going to set from what you forward.",
            "Use `res.append` of Express only for fields that are lists: Set-Cookie, Vary, Link.",
        ],
        policies: Policies(
            observe: "Recorded. The fields are delivered as they came; an equal pair of Content-Lengths is delivered once.",
            contain: "The same: the answer's boundaries are sound, so nothing has to be contained.",
            fail: "The client gets 502."),
        benign: [
            "Set-Cookie, Vary, Link, Via, Cache-Control and WWW-Authenticate, as often as you like.",
            "Fields that SendOnce does not know.",
            "A trailer that repeats a field of the header block: another block.",
        ],
        related: [.conflictingFraming])
}
