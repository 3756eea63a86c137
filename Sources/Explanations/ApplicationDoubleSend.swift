extension Explanation {
    static let applicationDoubleSend = Explanation(
        kind: .applicationDoubleSend,
        title: "a second send that Node refused or swallowed",
        summary: "The application sent twice, and Node kept it off the wire.",
        wire: [
            """
            Nothing. Node threw ERR_HTTP_HEADERS_SENT or ERR_STREAM_WRITE_AFTER_END, or ignored the call, and the client got \
            one good answer. A proxy cannot see that, so only the probe inside the Node process reports this kind; \
            without a probe it is never recorded. The record carries both stacks: the first send and the second.
            """,
            """
            `message` reads: `GET /orders/7 was answered with 200 at shop.js:16 and 20.1 ms later again: setHeader at shop.js:17 \
            was refused (ERR_HTTP_HEADERS_SENT)`. In `application`, `first` is the stack of the send that was the answer and \
            `second` of the one that was refused, each with the application's own frames first: \
            `"first":["at /app/shop.js:16:7"],"second":["at /app/shop.js:17:19"]`. `outcome` says whether Node threw, emitted an error, \
            swallowed the call, or the process crashed of it. Load the probe with \
            `NODE_OPTIONS="--require $(sendonce probe)"`.
            """,
        ],
        causes: [
            "A second `res.send` or `res.setHeader` whose exception is caught and logged.",
            "`res.end` a second time: ignored without data; an `error` event, or nothing at all, with data.",
            "`res.write` some time after `res.end` on Node 16 and newer: no exception, no bytes.",
            "`process.on('uncaughtException', log)`, the old habit that keeps the process alive after anything.",
            "A timeout that answered first, and the work that finishes anyway and answers again.",
        ],
        example: Example(
            outcome: "The client reads one `503 too slow`. The log shows ERR_HTTP_HEADERS_SENT. All Node versions.",
            before: #"""
                const express = require('express');
                const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

                const app = express();
                app.get('/', async (req, res) => {
                  setTimeout(() => res.status(503).send('too slow'), 20);
                  await sleep(50);                            // the work
                  try {
                    res.send('report');
                  } catch (error) {
                    console.error(error.code);
                  }
                });
                app.listen(3000);
                """#,
            after: #"""
                const express = require('express');
                const sleep = (ms, value) =>
                  new Promise((done) => setTimeout(done, ms, value));

                const app = express();
                app.get('/', async (req, res, next) => {
                  try {
                    const late = { status: 503, text: 'too slow' };
                    const work = sleep(50, { status: 200, text: 'report' });
                    const answer = await Promise.race([work, sleep(20, late)]);
                    res.status(answer.status).send(answer.text);  // one send
                  } catch (error) {
                    next(error);
                  }
                });
                app.listen(3000);
                """#),
        client: """
            None, today. It is the same mistake as the other kinds, one Node version or one `flush` away from reaching a \
            client.
            """,
        practices: [
            "Race results, not responses: decide first, then send in one place.",
            "`return` with every send; `if (res.headersSent) return` only where two paths are truly concurrent.",
            "Cancel the loser: an AbortSignal for the work, `clearTimeout` for the timer.",
            "Do not install an `uncaughtException` listener that goes on.",
        ],
        policies: Policies(
            observe: "Recorded from the probe's report. Nothing reached the wire, so there is nothing to contain.",
            contain: "The same.",
            fail: "The same."),
        benign: [
            "`res.end()` without data after the end: Node defines it as harmless, unless it was to have another status.",
            "Changing `res.statusCode` after the answer: it does nothing.",
        ],
        related: [.hangupAfterEnd, .stalledResponse, .truncatedResponse])
}
