extension Explanation {
    static let headerBlockInBody = Explanation(
        kind: .headerBlockInBody,
        title: "a second header block inside the body",
        summary: "A final header block stood where the body of the answer was due.",
        wire: [
            """
            The answer was under way when another final header block came. In a chunked body it stands exactly where a \
            chunk size belongs; in HTTP/2 it is a HEADERS frame that is no trailer section, or trailers with `:status`. \
            Both are proven.
            """,
            """
            Inside a Content-Length body the block is eaten as body bytes, and the true end of the body sticks out behind \
            by as much. It is proven only when the block's length equals that surplus, and suspected when there is a \
            surplus of another length or the body stops short. With neither, the body is innocent: it may well be a page \
            about HTTP.
            """,
        ],
        causes: [
            """
            `writeHead` a second time after the first header block was flushed, on Node 18 and older: the `error` listener \
            of a stream that is being piped, a `catch` around a loop of `res.write`, a timeout callback. Node 20 and \
            newer throw ERR_HTTP_HEADERS_SENT instead, which usually leaves the answer unfinished: `stalled_response` \
            or `truncated_response`.
            """,
            "An error page written to the raw socket while `res` is still streaming.",
            "`res._header = null` or `res._headerSent = false` in the middle of a body.",
            "A stray answer to an earlier request that lands between the chunks of the next one on the same connection.",
        ],
        example: Example(
            outcome: """
                The client reads `HTTP/1.1 500 Internal Server Error` where a chunk size is due, and gives up. All Node \
                versions; on Node 18 and older `res.writeHead(500)` in its place does the same.
                """,
            before: #"""
                const http = require('http');
                const { Readable } = require('stream');

                async function* rows() {
                  yield 'id,total\n';
                  throw new Error('database gone');
                }
                http.createServer((req, res) => {
                  const body = Readable.from(rows());
                  res.writeHead(200, { 'Content-Type': 'text/csv' });
                  body.on('error', () => {
                    req.socket.end(                      // far too late
                      'HTTP/1.1 500 Internal Server Error\r\n' +
                      'Content-Length: 12\r\n\r\nquery failed');
                  });
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
                  });                                    // res is destroyed
                }).listen(3000);
                """#),
        client: """
            A chunked answer breaks: the client sees a protocol error or an answer cut short. A Content-Length answer looks \
            complete, but the second header block sits in its middle: a broken image, JSON that does not parse.
            """,
        practices: [
            "Once `res.headersSent` is true, the only honest error is to abort: `res.destroy(error)`.",
            "Use `stream.pipeline(source, res, callback)` instead of `pipe` with an `error` listener of your own.",
            "Do what can fail (open the file, run the query, fetch the first row) before `writeHead(200)`.",
            "In Express error middleware: `if (res.headersSent) return next(error)`.",
        ],
        policies: Policies(
            observe: """
                Recorded. Nothing after the block can be read as chunks, so the client's answer is aborted; it never gets a \
                forged end. A Content-Length answer is delivered up to the declared length.
                """,
            contain: """
                The same for the client; a proven one also closes the upstream connection and quarantines its server.
                """,
            fail: "As `contain`, with 502 when nothing of the answer has been sent to the client yet."),
        benign: [
            "A body that spells `HTTP/1.1 200 OK` within its declared length or within a chunk's data.",
            "Trailers after the last chunk, and HTTP/2 trailers.",
            "A header block in a body that ends with the connection: there it cannot be told from body bytes.",
        ],
        related: [.secondResponse, .lateInterim, .bodyAfterEnd, .truncatedResponse])
}
