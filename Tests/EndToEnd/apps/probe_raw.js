'use strict';
// Node's own API, answered twice, one program a path; the marks are those of probe_express.js.
const fs = require('fs');
const http = require('http');
const { Readable } = require('stream');
const { serve } = require('./serve');

const SECOND = 'HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nSECOND';
const attempt = (call) => { try { call(); } catch (error) { /* nobody hears of it */ } };

if (process.env.SURVIVE) process.on('uncaughtException', () => {});

serve({
  '/head-again': (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' }); // first /head-again
    attempt(() => res.writeHead(500)); // second /head-again
    res.end('first');
  },
  '/told-route': (req, res) => {
    // As a koa-router with a regular expression has it.
    req[Symbol.for('sendonce.route')] = /^\/told-(\w+)$/;
    res.end('first'); // first /told-route
    attempt(() => res.setHeader('X-Late', '1')); // second /told-route
  },
  '/end-again': (req, res) => {
    res.on('error', () => {});
    res.end('first'); // first /end-again
    res.end('second'); // second /end-again
  },
  '/end-again-late': (req, res) => {
    res.end('first'); // first /end-again-late
    setTimeout(() => res.end('second'), 15); // second /end-again-late
  },
  '/other-status': (req, res) => {
    res.end('first'); // first /other-status
    setTimeout(() => {
      res.statusCode = 504;
      res.end(); // second /other-status
    }, 5);
  },
  '/write-after-end': (req, res) => {
    res.on('error', () => {});
    res.writeHead(200);
    res.end('first'); // first /write-after-end
    res.write('second'); // second /write-after-end
  },
  '/set-header': (req, res) => {
    res.end('first'); // first /set-header
    attempt(() => res.setHeader('X-Late', '1')); // second /set-header
    attempt(() => res.removeHeader('X-Late'));
  },
  '/uncaught': (req, res) => {
    res.end('first'); // first /uncaught
    setTimeout(() => {
      res.setHeader('X-Late', '1'); // second /uncaught
    }, 5);
  },
  '/killed': (req, res) => {
    res.end('first'); // first /killed
    attempt(() => res.setHeader('X-Late', '1')); // second /killed
    if (process.env.SENDONCE_PROBE_SOCKET) process.kill(process.pid, 'SIGKILL');
    process.exit(7);
  },
  '/pipe': (req, res) => {
    res.on('error', () => {});
    fs.createReadStream(__filename).pipe(res); // second /pipe
    res.end('early'); // first /pipe
  },
  '/two-pipes': (req, res) => {
    res.on('error', () => {});
    Readable.from(['one']).pipe(res); // first /two-pipes
    Readable.from((async function * () {
      for (let i = 0; i < 5; i++) yield new Promise((resolve) => setTimeout(resolve, 5, 'two'));
    })()).pipe(res); // second /two-pipes
  },
  '/socket': (req, res) => {
    const { socket } = res;
    res.end('first'); // first /socket
    socket.write(SECOND); // second /socket
  },
  '/socket-late': (req, res) => {
    res.end('first'); // first /socket-late
    setTimeout(() => req.socket.write(SECOND), 10); // second /socket-late
  },
  '/socket-before': (req, res) => {
    req.socket.write(SECOND); // first /socket-before
    res.end('second'); // second /socket-before
  },
  '/hints-after': (req, res) => {
    res.write('first'); // first /hints-after
    setTimeout(() => {
      attempt(() => res.writeProcessing()); // second /hints-after
      res.end();
    }, 5);
  },
  '/trailers-after': (req, res) => {
    res.writeHead(200, { Trailer: 'X-T' });
    res.write('first');
    res.end(); // first /trailers-after
    res.addTrailers({ 'X-T': '1' }); // second /trailers-after
  },
  '/socket-taken': (req, res) => {
    res.write('first'); // first /socket-taken
    attempt(() => new http.ServerResponse(req).assignSocket(req.socket)); // second /socket-taken
    res.end();
  },
});
