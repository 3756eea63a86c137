extension Explanation {
    static let misdeliveredResponse = Explanation(
        kind: .misdeliveredResponse,
        title: "an answer that met a request not its own",
        summary: "The answer to one request was read as the answer to another.",
        wire: [
            """
            A stray second answer arrived after the next request had been sent on the same connection. The next reader \
            takes it for its answer; the true one comes later and is the surplus then. From there on everything is \
            shifted by one.
            """,
            """
            `evidence.proof` says how it is known. `unacknowledged_request`: the bytes were sent before the upstream had \
            received the request. `request_id`: with the probe, the answer carried another request's id, or none where each \
            had its own. Both are found before anything was delivered. What slips through is found afterwards: the \
            connection gave more answers than it got requests. That is one `second_response`, with `client_impact` \
            `misdelivered` and the `victim` where the likeliest reading says that a client got another's answer; see there \
            for `candidates` and `attribution`.
            """,
        ],
        causes: [
            """
            Everything that causes `second_response`, when the second answer is late: after a database round trip, in a \
            timer, in a queue consumer.
            """,
            "A list of sockets or responses that outlives its requests: long-poll hubs, broadcast and shutdown code.",
        ],
        example: Example(
            outcome: """
                `/wait` is answered after 10 ms. Its socket stays in the list, and the next publication is read by whatever \
                request travels on that connection then.
                """,
            before: #"""
                const http = require('http');

                const waiting = new Set();
                http.createServer((req, res) => {
                  if (req.url !== '/wait') {
                    setTimeout(() => res.end('your account'), 60);
                    return;
                  }
                  waiting.add(req.socket);               // and never removed
                  setTimeout(() => res.end('no news'), 10);
                }).listen(3000);

                setInterval(() => {
                  for (const socket of waiting) socket.write(
                    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnews');
                  waiting.clear();
                }, 40);
                """#,
            after: #"""
                const http = require('http');

                const waiting = new Set();
                http.createServer((req, res) => {
                  if (req.url !== '/wait') {
                    setTimeout(() => res.end('your account'), 60);
                    return;
                  }
                  waiting.add(res);
                  res.on('close', () => waiting.delete(res));
                  setTimeout(() => {
                    if (waiting.delete(res)) res.end('no news');
                  }, 10);
                }).listen(3000);

                setInterval(() => {
                  for (const res of waiting) {
                    waiting.delete(res);
                    res.end('news');
                  }
                }, 40);
                """#),
        client: """
            The worst case of all: one client may read another's answer, with its data and its cookies, and everything looks \
            healthy. `client_impact` is `misdelivered`.
            """,
        practices: [
            "Look for the first candidate first: it is the request that most likely answered twice.",
            "Keep `res`, not the socket; remove it when it closes; take it out of the list before you answer.",
            "Keep `reuse: guarded`, and set `reuse: never` for an upstream that keeps offending until it is mended.",
        ],
        policies: Policies(
            observe: """
                Recorded. A proven one is known before delivery, and its bytes are somebody else's: they are not delivered even \
                so. The victim's request is sent again where that is safe, else its client gets 502.
                """,
            contain: """
                The same for the victim; the connection is closed and its server quarantined.
                """,
            fail: "As `contain`. The victim has done nothing: where its request can be sent again, it has its answer."),
        benign: [
            "Pipelined answers, in order, one for each request.",
            "An early final answer while the request body is still being sent.",
            "A surplus in the same read as the answer before it: an exchange that answered twice, `second_response`.",
        ],
        related: [.secondResponse, .bodyAfterEnd])
}
