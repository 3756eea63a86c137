extension Explanation {
    static let hangupAfterEnd = Explanation(
        kind: .hangupAfterEnd,
        title: "keep-alive was promised, then the upstream hung up",
        summary: "A complete answer, and within 50 ms the connection was closed.",
        wire: [
            """
            The answer was complete and promised to keep the connection; within 50 ms of its end came a FIN or a reset. It is \
            always suspected and of severity `info`: the wire shows a complete answer, and a hang-up has innocent reasons. \
            In Node, though, it is the only trace that a swallowed second send leaves.
            """,
            """
            A restart is told from it by what else ends: idle and busy connections at the same moment, and new ones are refused. \
            When everything ends within a moment of one answer, and hardly another had come before it, or no answer of its sort \
            was ever seen without such an end, the record says that all connections of the server ended, and names that request.
            """,
        ],
        causes: [
            """
            Express: a second `res.send` in the same handler throws ERR_HTTP_HEADERS_SENT; Express catches it, and its final \
            handler, seeing that the header block was sent, destroys the socket. A missing `return` does it.
            """,
            "`next(error)` or a plain `next()` after the answer was sent.",
            """
            A second send in a timer, a rejected promise, `res.write` after `res.end` without an `error` listener: the \
            exception is uncaught and the process dies, with all its connections.
            """,
            "Innocent: a server that shuts down, or `socket.end()` after an answer without `Connection: close`.",
        ],
        example: Example(
            outcome: """
                The client reads a complete 400, and the connection closes at once. Express logs `Cannot set headers after they \
                are sent to the client`. Express 4, all Node versions.
                """,
            before: #"""
                const express = require('express');

                const app = express();
                app.get('/', (req, res) => {
                  if (!req.query.id) {
                    res.status(400).json({ error: 'id is missing' });
                  }                                   // and on it goes
                  res.json({ id: req.query.id });
                });
                app.listen(3000);
                """#,
            after: #"""
                const express = require('express');

                const app = express();
                app.get('/', (req, res) => {
                  if (!req.query.id) {
                    return res.status(400).json({ error: 'id is missing' });
                  }
                  return res.json({ id: req.query.id });
                });
                app.listen(3000);
                """#),
        client: """
            Nothing: it has its answer. But each time a connection is lost, and an innocent request that had just been sent on it \
            dies without an answer. An upload whose body was not read may lose its answer to the reset, and a large answer \
            may be cut short.
            """,
        practices: [
            "Look in the application's log for ERR_HTTP_HEADERS_SENT at the record's time, on the record's route.",
            "`return` with every send.",
            "Do not call `next()` after an answer.",
            "Fix it even though clients see nothing: the next slower version of the same code will stream its answer.",
        ],
        policies: Policies(
            observe: "Recorded. A suspected incident never changes traffic.",
            contain: "The same.",
            fail: "The same."),
        benign: [
            "A close after `Connection: close`.",
            "A clean close of a connection that has been idle for longer: Node's 5 s keep-alive timeout.",
            "A close behind an answer that took a second or more to come: it may have waited in the server's kernel meanwhile.",
            "A hang-up in which the server's other connections close too, idle ones among them: a restart.",
        ],
        related: [.applicationDoubleSend, .truncatedResponse])
}
