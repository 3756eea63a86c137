/// The general part: why ERR_HTTP_HEADERS_SENT happens, whatever the kind that came of it.
enum HeadersSent {
    static let title = "`ERR_HTTP_HEADERS_SENT`: one request, one answer"

    static let blocks: [Block] = [
        .paragraph(
            """
            `Cannot set headers after they are sent to the client` means: this response has begun, and some code still believes \
            that it owns it. Node refuses what it notices. What it does not notice reaches the wire, and SendOnce records it \
            as one of the kinds above.
            """),
        .heading(3, "One owner, one send, one `return`"),
        .paragraph(
            """
            Most double sends are two sends in one function. `res.send`, `res.json` and `res.end` do not leave the function; only \
            `return` does. Write them together.
            """),
        .code(
            #"""
            app.get('/users/:id', async (req, res, next) => {
              try {
                const user = await users.find(req.params.id);
                if (!user) return res.status(404).json({ error: 'no such user' });
                return res.json(user);
              } catch (error) {
                return next(error);      // hand it over, do not answer as well
              }
            });
            """#),
        .heading(3, "Asynchronous races"),
        .paragraph(
            """
            Callbacks, events and timers that can each answer are a race, and the loser sends second. Turn them into one promise \
            and answer where it settles. `.then(send).catch(sendError)` is a race too: when `send` throws, both have answered.
            """),
        .code(
            #"""
            load(req).then((value) => res.json(value), next);  // either, not both
            """#),
        .heading(3, "Timeouts that race their handlers"),
        .paragraph(
            """
            A timeout that answers 503 does not stop the work. When it finishes, it answers too. Race the results, send once, and \
            tell the loser to stop.
            """),
        .code(
            #"""
            app.get('/report', async (req, res, next) => {
              const signal = AbortSignal.timeout(5000);
              try {
                res.json(await report(req.query, { signal }));
              } catch (error) {
                if (!signal.aborted) return next(error);
                res.status(503).send('too slow');
              }
            });
            """#),
        .heading(3, "Fields set too late"),
        .paragraph(
            """
            The header block leaves with the first `write`, `flushHeaders` or `end`. Code that sets a field when the answer is \
            finished (timings, cookies, request ids) comes too late. Set fields before the first byte, or in a hook that \
            runs just before the header block is written (the `on-headers` package); the `finish` event is for logging.
            """),
        .heading(3, "Error middleware and `res.headersSent`"),
        .paragraph(
            """
            An error may strike after the answer has begun. Error middleware must not answer then; it hands the error to \
            Express, which closes the connection, so that the client sees a truncated answer instead of a false one.
            """),
        .code(
            #"""
            app.use((error, req, res, next) => {
              if (res.headersSent) return next(error);
              res.status(500).json({ error: 'internal error' });
            });
            """#),
        .paragraph(
            """
            `if (res.headersSent) return` everywhere else hides the race instead of ending it: the answer then depends on who \
            comes first.
            """),
        .heading(3, "Answering and going on"),
        .paragraph(
            """
            `next()` after an answer runs the following routes, and the first that matches answers again. Middleware either \
            answers or calls `next()`, never both.
            """),
        .heading(3, "Lengths that are checked"),
        .paragraph(
            """
            Node sends a body that is longer or shorter than its Content-Length without a word. With `strictContentLength` it throws \
            ERR_HTTP_CONTENT_LENGTH_MISMATCH where the mistake is made (Node 16.18, 18.10 and newer). Turn it on in tests at least.
            """),
        .code(
            #"""
            const server = http.createServer((req, res) => {
              res.strictContentLength = true;
              app(req, res);
            });
            """#),
        .heading(3, "Processes that should die"),
        .paragraph(
            """
            `process.on('uncaughtException', log)` keeps a process alive whose requests may never be answered. Log, stop \
            accepting, finish what is under way, and exit.
            """),
    ]
}
