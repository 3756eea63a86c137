'use strict';
// Programs that answer once in ways that a probe could take for twice, or could disturb: middlewares that put their own methods in the place of
// Node's, contexts that follow a request, answers of the program's own making, requests that cannot be read.
const { AsyncLocalStorage } = require('async_hooks');
const fs = require('fs');
const http = require('http');
const { Readable, PassThrough, pipeline } = require('stream');
const compression = require('compression');
const express = require('express');
const morgan = require('morgan');
const onHeaders = require('on-headers');
const { announce } = require('./serve');

const app = express();
const context = new AsyncLocalStorage();
const attempt = (call) => { try { return String(call()); } catch (error) { return `${error.code} ${error.message}`; } };
app.use((req, res, next) => context.run({ path: req.url }, next));

// What a session does: the answer's last byte waits until the session is kept.
function session(req, res, next) {
  const { write, end } = res;
  let isEnded = false;
  res.end = function (chunk, encoding) {
    if (isEnded) return false;
    isEnded = true;
    const bytes = chunk ? Buffer.from(chunk, encoding) : Buffer.alloc(0);
    if (!res._header) res._implicitHeader();
    if (bytes.length > 1) write.call(res, bytes.slice(0, -1));
    setTimeout(() => end.call(res, bytes.length > 0 ? bytes.slice(-1) : undefined), 2);
    return true;
  };
  next();
}

const middlewares = {
  plain: (req, res, next) => next(),
  compression: compression({ threshold: 0 }),
  morgan: morgan('combined', { stream: { write() {} } }),
  headers: (req, res, next) => {
    onHeaders(res, function () {
      this.setHeader('X-Seen', String(this.statusCode));
    });
    next();
  },
  session,
};
const answers = {
  json: (req, res) => res.json({ some: [1, 2, 3] }),
  stream: (req, res) => Readable.from(['a', 'b', 'c']).pipe(res),
  file: (req, res) => res.sendFile(__filename),
  download: (req, res) => res.download(__filename),
  missing: (req, res) => res.sendFile('/no/such/file', (error) => res.status(error.statusCode).send('missing')),
  empty: (req, res) => res.status(204).end(),
  redirect: (req, res) => res.redirect('/plain/json'),
  head: (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write('a');
    res.end('b');
  },
  ends: (req, res) => {
    res.end('once');
    res.end();
    res.end(null);
  },
  late: (req, res) => {
    res.send('first');
    res.status(500);
    res.statusMessage = 'Late';
    res.locals.late = true;
  },
  guarded: (req, res) => {
    res.send('first');
    if (!res.headersSent) res.send('second');
  },
  pipeline: (req, res) => pipeline(fs.createReadStream(__filename), new PassThrough(), res, () => {}),
  next: (req, res, next) => {
    res.send('first');
    next();
  },
  error: () => { throw new Error('its own'); },
  events: (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/event-stream' });
    res.flushHeaders();
    res.write('data: 1\n\n');
    setTimeout(() => res.end('data: 2\n\n'), 5);
  },
};
for (const [name, middleware] of Object.entries(middlewares)) {
  for (const [path, answer] of Object.entries(answers)) app.get(`/${name}/${path}`, middleware, answer);
}

app.get('/context', async (req, res) => {
  const seen = [context.getStore().path];
  await null;
  seen.push(context.getStore().path);
  res.on('finish', () => seen.push(context.getStore().path));
  res.on('close', () => { app.locals.seen = seen.concat(context.getStore().path); });
  setTimeout(() => res.json(seen.concat(context.getStore().path)), 1);
});
app.get('/context/after', (req, res) => res.json(app.locals.seen));
// An answer that goes to no connection, as test tools make it.
app.get('/injected', (req, res) => {
  const inner = new http.ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1, headers: {}, rawHeaders: ['SendOnce-Id', undefined] });
  const sink = new PassThrough();
  inner.assignSocket(sink);
  inner.end('inner');
  res.send(String(sink.read()).replace(/^Date:.*\r\n/m, ''));
});
app.get('/unreadable', (req, res) => {
  for (const name of ['route', 'baseUrl', 'rawHeaders', 'app']) Object.defineProperty(req, name, { get() { throw new Error(`no ${name}`); } });
  res.write('a');
  res.end('b');
});
app.get('/refused', (req, res) => res.json([
  attempt(() => res.setHeader('no name', 'a')), attempt(() => res.setHeader('a')), attempt(() => res.writeHead(99)), attempt(() => res.write({})),
  attempt(() => res.removeHeader()), attempt(() => res.appendHeader('a')), attempt(() => res.writeEarlyHints(1)), attempt(() => res.setHeader('a', 'b')),
]));
app.get('/detached', (req, res) => {
  res.detachSocket(req.socket);
  req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nRAW');
});
app.use((error, req, res, next) => (res.headersSent ? next(error) : res.status(500).send('error')));
const server = http.createServer(app).listen(+process.env.PORT, '127.0.0.1', () => {
  announce(server);
  console.log(JSON.stringify(app._router.stack.map((layer) => layer.route && layer.route.path).filter(Boolean)));
});
