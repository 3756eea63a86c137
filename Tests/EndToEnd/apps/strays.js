'use strict';
// Answers, and later writes a second answer to the same connection: when, says the path. /guilty/CLASS/ID and /victim/ID.
const fs = require('fs');
const http = require('http');
const { announce } = require('./serve');

const VICTIM_MS = +process.env.VICTIM_MS || 20;

const stray = (socket, id) => {
  const body = 'STRAY-' + id;
  socket.write('HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nSet-Cookie: session=TOPSECRET\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body}`);
};

const classes = {
  'same-tick': (again) => again(),
  'next-tick': (again) => setImmediate(again),
  'file-read': (again) => fs.readFile(__filename, again),
  'timeout-0': (again) => setTimeout(again, 0),
  'timeout-5': (again) => setTimeout(again, 5),
  'timeout-10': (again) => setTimeout(again, 10),
  'timeout-25': (again) => setTimeout(again, 25),
};

const server = http.createServer((req, res) => {
  const [, what, ...rest] = req.url.split('/');
  if (what === 'victim') {
    const body = 'OWN-' + rest[0];
    return setTimeout(() => res.writeHead(200, { 'Content-Length': body.length }).end(body), VICTIM_MS);
  }
  const [name, id] = rest;
  const socket = req.socket;
  const body = 'FIRST-' + id;
  res.writeHead(200, { 'Content-Length': body.length }).end(body);
  classes[name](() => stray(socket, id));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => announce(server));
