'use strict';
// HTTP/2: /own answers its own request. /other answers the first time it is asked with the id of the request before, and then
// with its own.
const http2 = require('http2');
const { announce } = require('./serve');

let previous;
let asked = 0;

const server = http2.createServer();
server.on('stream', (stream, headers) => {
  const own = headers['sendonce-id'];
  const isOther = headers[':path'] === '/other' && ++asked % 2 === 1;
  stream.respond({ ':status': 200, 'sendonce-id': isOther ? previous : own });
  stream.end(isOther ? 'ANOTHERS' : 'OWN');
  previous = own;
});
server.listen(0, '127.0.0.1', () => announce(server));
