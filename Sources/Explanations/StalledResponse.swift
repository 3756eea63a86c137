extension Explanation {
    static let stalledResponse = Explanation(
        kind: .stalledResponse,
        title: "the rest of the answer never came",
        summary: "The answer began, but its promised rest did not come in time.",
        wire: [
            """
            The header block and perhaps some body came, and then nothing for `timeouts.body_idle`, although more was promised \
            and the connection stayed open. It is proven where a Content-Length promised the rest, else suspected. An event \
            stream (`text/event-stream`) promises nothing: its pause is no incident, it is only cut.
            """,
            """
            Over HTTP/2 a server may send its answers one after the other. While bodies of other answers come, all of them \
            of requests that had been sent before this one fell silent, it may stand behind those: it is waited for, up to \
            ten times `body_idle`, and then suspected at most.
            """,
        ],
        causes: [
            """
            `source.pipe(res)` with a source that fails: `pipe` does not end or destroy the response. An `error` listener \
            that only logs leaves the client waiting.
            """,
            "A Content-Length larger than the body: bytes computed before a trim or a re-encoding.",
            """
            `writeHead` after the first write on Node 20 and newer: it throws ERR_HTTP_HEADERS_SENT, the error is caught \
            and logged, and nobody ends the response.
            """,
            """
            `res.end()` and then `res.send(body)` under middleware that wraps and delays `end` (older express-session): \
            the header block declares a body that never follows.
            """,
            "An `await` that never settles between two writes.",
        ],
        example: Example(
            outcome: "The client reads 9 of 40 bytes and waits. All Node versions.",
            before: #"""
                const http = require('http');
                const { Readable } = require('stream');

                async function* rows() {
                  yield 'id,total\n';
                  throw new Error('database gone');
                }
                http.createServer((req, res) => {
                  const body = Readable.from(rows());
                  res.writeHead(200, { 'Content-Length': 40 });
                  body.on('error', console.error);     // and then nothing
                  body.pipe(res);
                }).listen(3000);
                """#,
            after: #"""
                const http = require('http');
                const { Readable, pipeline } = require('stream');

                async function* rows() {
                  yield 'id,total\n';
                  throw new Error('database gone');
                }
                http.createServer((req, res) => {
                  res.writeHead(200, { 'Content-Type': 'text/csv' });
                  pipeline(Readable.from(rows()), res, (error) => {
                    if (error) console.error('cut short:', error.message);
                  });                                  // ends or destroys res
                }).listen(3000);
                """#),
        client: """
            It waits for `body_idle` (60 s unless configured), then its answer is aborted. Users see a page that loads for \
            ever.
            """,
        practices: [
            "Use `stream.pipeline`: it ends the response or destroys it, never neither.",
            "Every `catch` of request code ends in an answer, `next(error)` or `res.destroy(error)`.",
            "Let Node count: no Content-Length by hand.",
        ],
        policies: Policies(
            observe: "Recorded when `body_idle` has passed; the client's answer is aborted and the connection closed.",
            contain: "The same.",
            fail: "The same, with 502 when nothing of the answer has been sent to the client yet."),
        benign: [
            "A slow answer that keeps sending within `body_idle`; raise it for event streams and long polls.",
            "No header block at all: a 504, logged and counted, not an incident.",
            "A client that reads slowly: the upstream is not to blame for our own pushing back.",
        ],
        related: [.truncatedResponse, .applicationDoubleSend, .headerBlockInBody])
}
