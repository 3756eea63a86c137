'use strict';
// Innocent answers of every form; each says which request it is for, in X-For or in its body.
const http = require('http');
const { announce } = require('./serve');

// Node answers by itself what is too long (431), of no known method (400), or too slow (408).
const limits = { maxHeaderSize: 4096, requestTimeout: 4000, connectionsCheckingInterval: 500 };

const server = http.createServer(limits, (req, res) => {
  const [, what, id] = req.url.split('/');
  res.setHeader('X-For', id || '');
  const body = 'FOR-' + id;
  switch (what) {
    case 'length': return res.writeHead(200, { 'Content-Length': body.length }).end(body);
    case 'chunked':
      res.write(body.slice(0, 4));
      return setImmediate(() => res.end(body.slice(4)));
    case 'late': return setTimeout(() => res.end(body), 3);
    case 'interim':
      if (res.writeEarlyHints) res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      res.writeProcessing();
      return res.end(body);
    case 'unchanged': return res.writeHead(304).end();
    case 'empty': return res.writeHead(204).end();
    case 'echo': return req.on('data', (bytes) => res.write(bytes)).on('end', () => res.end());
    default: return res.end(body);
  }
});
server.on('upgrade', (req, socket) => {
  socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: crowd\r\n\r\n' + req.url);
});
server.on('checkContinue', (req, res) => {
  res.writeContinue();
  server.emit('request', req, res);
});
server.listen(0, '127.0.0.1', () => announce(server));
