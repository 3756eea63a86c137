import Detector

/// The guide to reviews and tests against double sends: docs/preventing-double-sends.md. Its remedies and examples are those of `explain`.
enum Prevention {
    static let document: [Block] =
        [
            .heading(1, "Review and tests against double sends"),
            .paragraph(
                """
                One request is owed one answer. Most code that gives two looks right line by line; it is the paths between the lines \
                that meet. This page says what to look for in a review, what to test, and how a pull request fails that answers twice.
                """),
            .heading(2, "What to look for in a review"),
            .bullets(questions),
            .heading(2, "One example"),
            .paragraph("Before. " + Explanation.of(.applicationDoubleSend).example.outcome),
            .code(Explanation.of(.applicationDoubleSend).example.before),
            .paragraph("After:"),
            .code(Explanation.of(.applicationDoubleSend).example.after),
            .heading(2, "What to test"),
            .bullets(tests),
            .heading(2, "Let the pull request fail"),
            .paragraph(
                """
                `sendonce gate -- npm test` runs the tests you have with the probe in their environment, and exits with 3 when an answer \
                was sent twice though every test passed: Node refuses or swallows most second sends, so that tests rarely notice. It names \
                both lines. An application with a past is let in with `--baseline`; see [ci.md](ci.md).
                """),
            .heading(2, "Each kind in a sentence"),
            .terms(Kind.allCases.map { ($0.rawValue, Explanation.of($0).remedy) }),
            .paragraph("`sendonce explain KIND`, or [kinds.md](kinds.md), has the programs and what the wire shows."),
        ]

    private static let questions = [
        "Does a `return` stand with every `res.send`, `res.json`, `res.end`, `res.redirect` and `next`? They do not leave the function.",
        "Can a callback, an event and a timer each answer the same request? Make them one promise, and answer where it settles.",
        "Is there a `catch` around a send? When the send throws, the first answer has gone, and the `catch` must not answer.",
        "Does a timeout answer while the work goes on? Whoever answers first has to stop the other: `AbortSignal`, `clearTimeout`.",
        "Does middleware call `next()` after it has answered? The next route that matches answers again.",
        "Does error middleware begin with `if (res.headersSent) return next(error)`?",
        "Is a field set after the first byte (`setHeader`, `cookie` in a `finish` listener or after `await`)?",
        "Is Content-Length computed from `string.length`? It counts bytes: `Buffer.byteLength`, or leave it to Node.",
        "Does anything write to `req.socket` or `res.socket`, or reset `res.headersSent`, `res.finished` or `res._header`?",
        "Does `process.on('uncaughtException')` keep a process alive whose requests may never end?",
        "Does `if (res.headersSent) return` hide a race? It belongs into error middleware, and nowhere else.",
    ]

    private static let tests = [
        "The error after the answer: let the database fail once `res.json` has been called, and once a stream has begun.",
        "The timeout that loses: work that takes longer than the time limit, and ends after it.",
        "The client that goes away in the middle: `request.destroy()` after the first bytes, then wait for the work to end.",
        "Two requests on one connection (`http.Agent` with `keepAlive` and `maxSockets: 1`): the second must get its own answer.",
        "Lengths: set `res.strictContentLength = true` in tests, and answer with text that is not ASCII.",
        "Wait a moment after the last answer: a late second send comes when the test has long passed. The gate lingers for that.",
    ]
}
