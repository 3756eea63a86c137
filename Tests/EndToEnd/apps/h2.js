'use strict';
// An HTTP/2 server (cleartext, or TLS with CERTIFICATE and KEY) with the handlers that the tests ask for.
const fs = require('fs');
const http2 = require('http2');
const { announce } = require('./serve.js');

const handlers = {
  '/ok': (req, res) => res.end('OK'),
  '/echo': (req, res) => req.pipe(res),
  '/request': (req, res) => res.end(JSON.stringify({ method: req.method, path: req.url, headers: req.headers, version: req.httpVersion })),
  '/no-content': (req, res) => { res.statusCode = 204; res.end(); },
  '/hints': (req, res) => {
    res.writeEarlyHints({ link: '</a.css>; rel=preload' });
    res.end('OK');
  },
  '/trailers': (req, res) => {
    res.writeHead(200, { 'content-type': 'application/grpc', trailer: 'grpc-status' });
    res.write('message');
    res.addTrailers({ 'grpc-status': '0' });
    res.end();
  },
  '/big': (req, res) => {
    const piece = Buffer.alloc(64 << 10, 'x');
    let left = 320;
    const write = () => {
      while (left-- > 0) if (!res.write(piece)) return res.once('drain', write);
      res.end();
    };
    write();
  },
};

const answer = (req, res) => {
  const handler = handlers[req.url.split('?')[0]];
  if (handler) return handler(req, res);
  res.statusCode = 404;
  res.end('no such case');
};
const server = process.env.CERTIFICATE
  ? http2.createSecureServer({ cert: fs.readFileSync(process.env.CERTIFICATE), key: fs.readFileSync(process.env.KEY) }, answer)
  : http2.createServer(answer);
const unix = process.env.PORT && !/^\d+$/.test(process.env.PORT);
server.listen(...(unix ? [process.env.PORT] : [0, '127.0.0.1']), () => announce(server));
