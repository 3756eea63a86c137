'use strict';
// HTTP/2 programs that answer twice, by the compatible API and on the streams themselves. The marks are those of probe_express.js.
const fs = require('fs');
const http2 = require('http2');
const { announce } = require('./serve');

const attempt = (call) => { try { call(); } catch (error) { /* nobody hears of it */ } };
if (process.env.SURVIVE) process.on('uncaughtException', () => {});

const answers = {
  '/ok': (req, res) => res.end('OK'),
  '/compat/set-header': (req, res) => {
    res.end('first'); // first /compat/set-header
    attempt(() => res.setHeader('X-Late', '1')); // second /compat/set-header
  },
  '/compat/append-header': (req, res) => {
    res.writeHead(200); // first /compat/append-header
    attempt(() => (res.appendHeader || res.setHeader).call(res, 'X-Late', '1')); // second /compat/append-header
    res.end('first');
  },
  '/compat/remove-header': (req, res) => {
    res.write('first'); // first /compat/remove-header
    attempt(() => res.removeHeader('Date')); // second /compat/remove-header
    res.end();
  },
  '/compat/head-again': (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' }); // first /compat/head-again
    attempt(() => res.writeHead(500)); // second /compat/head-again
    res.end('first');
  },
  '/compat/head-late': (req, res) => {
    res.end('first'); // first /compat/head-late
    res.on('close', () => res.writeHead(500)); // second /compat/head-late
  },
  '/compat/end-again': (req, res) => {
    res.writeHead(200);
    res.end('first'); // first /compat/end-again
    res.end('second'); // second /compat/end-again
  },
  '/compat/write-after-end': (req, res) => {
    res.end('first'); // first /compat/write-after-end
    res.write('second'); // second /compat/write-after-end
  },
  '/compat/write-after-end-heard': (req, res) => {
    res.stream.on('error', () => {});
    res.end('first'); // first /compat/write-after-end-heard
    res.write('second'); // second /compat/write-after-end-heard
  },
  '/compat/async': async (req, res) => {
    res.end('first'); // first /compat/async
    await null;
    attempt(() => res.writeHead(500)); // second /compat/async
  },
  '/compat/timer': (req, res) => {
    res.end('first'); // first /compat/timer
    setTimeout(() => {
      res.setHeader('X-Late', '1'); // second /compat/timer
    }, 5);
  },
  '/compat/hints-after': (req, res) => {
    res.write('first'); // first /compat/hints-after
    res.writeEarlyHints ? res.writeEarlyHints({ link: '</a.css>; rel=preload' }) : res.writeContinue(); // second /compat/hints-after
    res.end();
  },
};

const streams = {
  '/stream/respond-again': (stream) => {
    stream.respond({ ':status': 200 }); // first /stream/respond-again
    attempt(() => stream.respond({ ':status': 500 })); // second /stream/respond-again
    stream.end('first');
  },
  '/stream/respond-late': (stream) => {
    stream.respond({ ':status': 200 }); // first /stream/respond-late
    stream.end('first');
    stream.on('close', () => attempt(() => stream.respond({ ':status': 500 }))); // second /stream/respond-late
  },
  '/stream/file-after': (stream) => {
    stream.respond({ ':status': 200 }, { endStream: true }); // first /stream/file-after
    attempt(() => stream.respondWithFile(__filename, { ':status': 200 })); // second /stream/file-after
  },
  '/stream/descriptor-after': (stream) => {
    stream.respondWithFile(__filename, { ':status': 200 }, { statCheck: () => { // first /stream/descriptor-after
      setImmediate(() => attempt(() => stream.respondWithFD(fs.openSync(__filename), { ':status': 200 }))); // second /stream/descriptor-after
    } });
  },
  '/stream/headers-after': (stream) => {
    stream.respond({ ':status': 200 }); // first /stream/headers-after
    attempt(() => stream.additionalHeaders({ ':status': 103 })); // second /stream/headers-after
    stream.end('first');
  },
  '/stream/uncaught': (stream) => {
    stream.respond({ ':status': 200 }); // first /stream/uncaught
    stream.end('first');
    setTimeout(() => {
      stream.respond({ ':status': 500 }); // second /stream/uncaught
    }, 5);
  },
};

const server = http2.createServer((req, res) => {
  if (answers[req.url]) answers[req.url](req, res);
});
server.on('stream', (stream, headers) => {
  if (streams[headers[':path']]) streams[headers[':path']](stream, headers);
});
server.listen(+process.env.PORT, '127.0.0.1', () => announce(server));
