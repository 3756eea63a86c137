extension Explanation {
    static let truncatedResponse = Explanation(
        kind: .truncatedResponse,
        title: "the connection closed before the promised end",
        summary: "The upstream closed or reset before the answer had ended.",
        wire: [
            """
            The header block promised an end (a Content-Length, a last chunk, END_STREAM), and the connection was closed or \
            the stream reset before it came. `declared_bytes` and `body_bytes` say how much is missing of a declared \
            length.
            """
        ],
        causes: [
            """
            Express: `next(error)` or a throw after the first `res.write`. The final handler cannot write an error page any \
            more, so it destroys the socket. The right signal to the client, but look for the error.
            """,
            "A second `res.send` while a large first answer is still being sent: the destroyed socket cuts it short.",
            """
            The process died in the middle: an uncaught ERR_HTTP_HEADERS_SENT in a timer, a failed allocation, a deploy \
            without draining.
            """,
            "`res.destroy()`, `req.destroy()`, a proxied origin that closed early, `stream.pipeline` after an error.",
            "In Node's HTTP/2 compatibility API: `write` after `end`, which resets the stream of the first answer.",
        ],
        example: Example(
            outcome: "The client reads one chunk and then the connection closes. Express 4, all Node versions.",
            before: #"""
                const express = require('express');

                async function* rows() {
                  yield 'id,total\n';
                  throw new Error('database gone');
                }
                const app = express();
                app.get('/', async (req, res, next) => {
                  try {
                    for await (const row of rows()) res.write(row);
                    res.end();
                  } catch (error) {
                    next(error);               // the 200 has gone out
                  }
                });
                app.listen(3000);
                """#,
            after: #"""
                const express = require('express');

                async function* rows() {
                  yield 'id,total\n';
                  throw new Error('database gone');
                }
                const app = express();
                app.get('/', async (req, res, next) => {
                  try {
                    const all = [];
                    for await (const row of rows()) all.push(row);
                    res.send(all.join(''));    // nothing sent before this
                  } catch (error) {
                    next(error);               // a clean 500
                  }
                });
                app.listen(3000);
                """#),
        client: """
            It sees a truncated answer too: SendOnce aborts and never forges an end. A client that ignores the abort works \
            with half a document.
            """,
        practices: [
            "Finish what can fail before the first write; collect small answers, stream only large ones.",
            "Find the cause in the application's log at the record's time: a crash, an error after the first write.",
            "Drain on deploy: `server.close()`, then wait for what is under way.",
        ],
        policies: Policies(
            observe: "Recorded; the client's answer is aborted. HTTP has no other way to say it.",
            contain: "The same. The connection is gone already.",
            fail: "The same, with 502 when nothing of the answer has been sent to the client yet."),
        benign: [
            "A body that ends with the connection (no length, not chunked): its end is a close.",
            "No answer at all: a 502, logged and counted, not an incident.",
            "A reset because our own client went away.",
            "RST_STREAM(NO_ERROR) after END_STREAM in HTTP/2.",
        ],
        related: [.stalledResponse, .hangupAfterEnd, .applicationDoubleSend])
}
