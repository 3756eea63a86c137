'use strict';
// /raw answers on the socket itself, past Node's answer, as nothing forbids; anything else through Node. /count says how often
// /raw was asked.
const http = require('http');
const { announce } = require('./serve');

let count = 0;

const server = http.createServer((req, res) => {
  req.resume();
  if (req.url === '/count') return res.end(String(count));
  if (req.url !== '/raw') return res.end('OK');
  count += 1;
  req.on('end', () => req.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nRAW'));
});
server.listen(0, '127.0.0.1', () => announce(server));
