'use strict';
// Programs that send twice, one a path.
const { serve } = require('./serve');

const SECOND = 'HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n' +
  'Set-Cookie: session=TOPSECRET\r\n\r\nSECOND';

// The socket or the response of an earlier request, which a later one makes use of.
let remembered;

serve({
  '/remember': (req, res) => {
    remembered = req.socket;
    res.end('first');
  },
  // Answers the remembered request a second time, unless this one travels on its connection.
  '/socket-second-of-remembered': (req, res) => {
    const isElsewhere = req.socket !== remembered;
    if (isElsewhere) remembered.write(SECOND);
    res.end(isElsewhere ? 'elsewhere' : 'here');
  },
  '/stray-between-chunks': (req, res) => {
    res.write('half,');
    setTimeout(() => {
      remembered.write(SECOND);
      res.end('half.');
    }, 20);
  },
  '/stray-in-length': (req, res) => {
    res.writeHead(200, { 'Content-Length': 10 });
    res.write('half,');
    setTimeout(() => {
      remembered.write(SECOND);
      res.end('half.');
    }, 20);
  },
  '/long-body': (req, res) => {
    res.writeHead(200, { 'Content-Length': 5 });
    res.end('firstsecond');
  },
  '/long-body-late': (req, res) => {
    remembered = res;
    res.writeHead(200, { 'Content-Length': 5 });
    res.write('first');
  },
  '/end-remembered': (req, res) => {
    remembered.end('second');
    res.end('OK');
  },
  '/socket-second': (req, res) => {
    res.end('first');
    req.socket.write(SECOND);
  },
  '/socket-second-late': (req, res) => {
    res.end('first');
    setTimeout(() => req.socket.write(SECOND), 10);
  },
  '/early-hints-in-body': (req, res) => {
    res.write('first');
    setTimeout(() => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      res.end('FIRST');
    }, 20);
  },
  '/no-content-with-body': (req, res) => {
    const socket = res.socket;
    res.writeHead(204);
    res.end();
    socket.write('body');
  },
  '/length-twice-same': (req, res) => {
    res.setHeader('Content-Length', [5, 5]);
    res.end('first');
  },
  '/length-twice-different': (req, res) => {
    res.writeHead(200, ['Content-Length', '5', 'Content-Length', '11']);
    res.end('hello world');
  },
  '/length-and-chunked': (req, res) => {
    res.setHeader('Content-Length', 5);
    res.setHeader('Transfer-Encoding', 'chunked');
    res.end('first');
  },
  '/type-twice': (req, res) => {
    res.writeHead(200, ['Content-Type', 'text/plain', 'Content-Type', 'text/html', 'Content-Length', '5']);
    res.end('first');
  },
  '/head-again-in-chunked': (req, res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write('first');
    setTimeout(() => {
      res._header = null;
      res._headerSent = false;
      res.writeHead(500, { 'Content-Type': 'text/html' });
      res.end('error page');
    }, 10);
  },
  '/crlf-after-end': (req, res) => {
    res.end('first');
    req.socket.write('\r\n');
  },
});
